import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { install, RELEASE } from '../chart';
import { asking, count, placeholder, state } from '../workload';
import { restoredCondition, World } from '../world';

const ELSEWHERE = 'elsewhere';

describe('a release that works in all namespaces', () => {
  const home = new World();
  const world = new World(ELSEWHERE);
  const release = home.release(RELEASE);

  beforeAll(async () => {
    await home.kube.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: ELSEWHERE } });
    await install(release, [...home.values, 'rbac.namespaceRestricted=false']);
  });
  afterAll(async () => {
    await world.clean();
    await install(release, home.values);
    await home.kube.delete('namespace', [ELSEWHERE]);
  });

  it('captures and restores in a namespace that has no release, and keeps the artifact in its own store', async () => {
    const source = await world.serving({ name: 'wide', node: world.nodeB });
    await count(source.ip);
    const { status } = await world.captured('wide', 'wide');
    await world.make(placeholder({ name: 'wide-clone', node: world.nodeA, checkpoint: 'wide' }));
    const clone = await world.ready('wide-clone');
    expect(await state(clone.status.podIP)).toMatchObject({ counter: 1, modelIntact: true });
    expect(status?.location?.split('/')[0]).toBe(ELSEWHERE);
    expect(existsSync(join(home.sharedDir, status?.location ?? '', 'manifest.json'))).toBe(true);
  });

  it('gives a pod there the program of its placeholder by a ConfigMap', async () => {
    await world.make(asking({ name: 'wide-asking', node: world.nodeA, checkpoint: 'wide' }));
    expect(restoredCondition(await world.ready('wide-asking'))).toMatchObject({ status: 'True' });
    const installers = ['get', 'pod', 'wide-asking', '-o', 'jsonpath={.spec.initContainers}'];
    expect(await world.kube.run(installers)).toBe('');
    expect(await world.kube.list('configmaps', 'nvidia.com/snapshot-standby')).toHaveLength(1);
  });

  it("gives the cluster's view and edit roles what they need", async () => {
    const may = async (role: string, verb: string, kind: string): Promise<string> => {
      const user = `somebody-with-${role}`;
      await home.kube.run([
        ...[
          'create',
          'rolebinding',
          user,
          `--clusterrole=${role}`,
          `--user=${user}`,
          '--namespace',
          ELSEWHERE,
        ],
      ]);
      const { stdout } = await world.kube.try(['auth', 'can-i', verb, kind, '--as', user]);
      await world.kube.delete('rolebinding', [user]);
      return stdout.trim();
    };
    expect(await may('view', 'list', 'dynamocheckpoints')).toBe('yes');
    expect(await may('view', 'create', 'dynamocheckpoints')).toBe('no');
    expect(await may('edit', 'create', 'dynamocheckpoints')).toBe('yes');
    expect(await may('edit', 'create', 'snapshotassignments')).toBe('no');
    expect(await may('admin', 'delete', 'snapshotassignments')).toBe('yes');
  });
});
