import { setTimeout as delay } from 'node:timers/promises';
import { lease } from '@dynamo-snapshot/api/names';
import { writesSince } from '../audit';
import { FULL_NAME } from '../chart';
import { rssBytes } from '../summary';
import { clusterName, World } from '../world';

const MB = 1e6;
/** Longer than every period of the agent and of the operator, but that of the sweep, an hour. */
const QUIET_MS = 30_000;

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

  it('an agent writes nothing to the API, and an operator nothing but that it leads', async () => {
    const since = new Date();
    await delay(QUIET_MS);
    const ours = writes(since);
    expect(ours.filter(({ account }) => account === agent)).toEqual([]);
    const leads = { verb: 'patch', resource: 'leases', name: lease.operator };
    const byOperator = ours.filter(({ account }) => account === operator);
    // What is looked for can be seen.
    expect(byOperator.length).toBeGreaterThan(0);
    expect(byOperator).toEqual(byOperator.map(() => expect.objectContaining(leads)));
  });

  it('an agent holds less than 150 MB', async () => {
    const used = await rssBytes(world.kube, [world.nodeA, world.nodeB], `${agent}-`, 'agent');
    expect(used).toHaveLength(2);
    for (const bytes of used) {
      expect(bytes / MB).toBeGreaterThan(10);
      expect(bytes / MB).toBeLessThan(150);
    }
  });
});
