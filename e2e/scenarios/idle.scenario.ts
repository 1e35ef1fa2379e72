import { setTimeout as delay } from 'node:timers/promises';
import { writesSince } from '../audit';
import { FULL_NAME } from '../chart';
import { clusterName, World } from '../world';

const MB = 1e6;
/** Longer than every period of the agent (heartbeat, mirror) and of the operator. */
const QUIET_MS = 20_000;

interface Summary {
  readonly pods: readonly {
    readonly podRef: { readonly name: string };
    readonly containers?: readonly {
      readonly name: string;
      readonly memory?: { readonly rssBytes?: number };
    }[];
  }[];
}

describe('while nothing happens', () => {
  const world = new World();
  const agent = `${FULL_NAME}-agent`;
  const operator = `${FULL_NAME}-operator`;
  const writes = (since: Date) => writesSince(clusterName, world.namespace, since);

  beforeAll(async () => {
    const since = new Date();
    await world.serving({ name: 'idle', node: world.nodeA });
    await world.captured('idle', 'idle');
    // What is looked for below can be seen: both have just written.
    expect(writes(since)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ account: agent, resource: 'snapshotassignments/status' }),
        expect.objectContaining({ account: operator, resource: 'dynamocheckpoints/status' }),
      ]),
    );
    await world.clean();
    // Where none is left, it has nothing to wait for and says so.
    await world.kube.try(['wait', 'snapshotassignments', '--all', '--for=delete', '--timeout=60s'], '', 70);
    expect(await world.kube.list('snapshotassignments')).toEqual([]);
  });

  it('the agents write nothing to the API, and the operator nothing but its lease', async () => {
    const since = new Date();
    await delay(QUIET_MS);
    const seen = writes(since).filter(({ resource }) => resource !== 'leases');
    expect(seen.filter(({ account }) => account === agent || account === operator)).toEqual([]);
  });

  it('an agent holds less than 150 MB', async () => {
    const used = await Promise.all(
      [world.nodeA, world.nodeB].map(async (node) => {
        const text = await world.kube.run(['get', '--raw', `/api/v1/nodes/${node}/proxy/stats/summary`]);
        const { pods } = JSON.parse(text) as Summary;
        const own = pods.find(({ podRef }) => podRef.name.startsWith(`${agent}-`));
        return own?.containers?.find(({ name }) => name === 'agent')?.memory?.rssBytes ?? Number.NaN;
      }),
    );
    for (const bytes of used) {
      expect(bytes / MB).toBeGreaterThan(10);
      expect(bytes / MB).toBeLessThan(150);
    }
  });
});
