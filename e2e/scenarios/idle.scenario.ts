import { setTimeout as delay } from 'node:timers/promises';
import { lease } from '@dynamo-snapshot/api/names';
import { writesSince } from '../audit';
import { FULL_NAME } from '../chart';
import { rssBytes } from '../summary';
import { clusterName, World } from '../world';

const MB = 1e6;
/** Longer than every period of the agent (heartbeat, mirror) and of the operator. */
const QUIET_MS = 20_000;
/** An agent says that it is there (docs/adr/0030). */
const HEARTBEAT_MS = 10_000;

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

  it('agents and operator write nothing to the API but their leases, and an agent that not often', async () => {
    const since = new Date();
    await delay(QUIET_MS);
    const ours = writes(since).filter(({ account }) => account === agent || account === operator);
    expect(ours.filter(({ resource }) => resource !== 'leases')).toEqual([]);
    const beats = ours.filter(({ account, name }) => account === agent && name.startsWith(lease.agentPrefix));
    expect(beats.length).toBeLessThanOrEqual(2 * Math.ceil(QUIET_MS / HEARTBEAT_MS));
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
