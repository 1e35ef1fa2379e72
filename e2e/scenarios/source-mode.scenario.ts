import { ask, count, placeholder, state } from '../workload';
import { World } from '../world';

/** A client that counts all the while, one request after another; what fails is tried again, as real clients do. */
function load(ip: string) {
  const seen: number[] = [];
  let lost = 0;
  let longest = 0;
  let going = true;
  const done = (async () => {
    while (going) {
      const started = performance.now();
      await ask<{ counter: number }>(ip, '/count', 10_000).then(
        ({ counter }) => void seen.push(counter),
        () => void (lost += 1),
      );
      longest = Math.max(longest, performance.now() - started);
    }
  })();
  return {
    stop: async () => {
      going = false;
      await done;
      return { seen, lost, longestMs: longest };
    },
  };
}

describe('a pod that serves is captured and goes on serving', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('loses no request, does not restart, and restores on the same and on the other node', async () => {
    const source = await world.serving({ name: 'serve', node: world.nodeA });
    const client = load(source.ip);
    const checkpoint = await world.captured('serve', 'serve');
    const { seen, lost } = await client.stop();
    const after = await world.kube.get<Awaited<ReturnType<World['ready']>>>('pod', 'serve');

    expect(lost).toBe(0);
    expect(seen).toEqual(seen.map((_, i) => (seen[0] ?? 0) + i));
    expect(after.status.containerStatuses?.[0]?.restartCount).toBe(0);
    expect(after.status.conditions?.find((c) => c.type === 'Ready')?.status).toBe('True');
    expect(checkpoint.status?.artifact?.sizeBytes).toBeGreaterThan(64 << 20);

    for (const node of [world.nodeA, world.nodeB]) {
      const name = `serve-on-${node}`;
      await world.make(placeholder({ name, node, checkpoint: 'serve' }));
      const { status } = await world.ready(name);
      const clone = await state(status.podIP);
      expect(clone.counter).toBeGreaterThanOrEqual(seen[0] ?? 0);
      expect(clone.counter).toBeLessThanOrEqual(seen.at(-1) ?? 0);
      expect(clone).toMatchObject({
        modelIntact: true,
        child: 'child:hello',
        pid: 1,
        threads: expect.any(Number),
      });
      expect(await count(status.podIP)).toBe(clone.counter + 1);
    }
    expect((await state(source.ip)).modelIntact).toBe(true);
  });
});
