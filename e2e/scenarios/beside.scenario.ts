import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { helm, install, prepareNamespace, RELEASE, volumeOf } from '../chart';
import { memberDir } from '../cluster/instance';
import { count, placeholder, state } from '../workload';
import { clusterName, World } from '../world';

const NAMESPACE = 'tenant';

describe('a second release, in a namespace of its own, whose agents are not privileged', () => {
  const first = new World();
  const second = new World(NAMESPACE);
  const release = second.release(RELEASE);

  beforeAll(async () => {
    await prepareNamespace(second.kube, NAMESPACE, second.sharedDir);
    await install(release, [...second.values, 'daemonset.privileged=false']);
  });
  afterAll(async () => {
    await Promise.all([first.clean(), second.clean()]);
    await helm(release, ['uninstall', RELEASE, '--wait']);
    await second.kube.delete('namespace', [NAMESPACE]);
    await second.kube.delete('persistentvolume', [volumeOf(NAMESPACE)]);
  });

  it('has agents with a list of capabilities', async () => {
    const [agent] = await second.kube.list<{
      spec: {
        containers: { securityContext: { privileged?: boolean; capabilities?: { drop: string[] } } }[];
      };
    }>('pods', 'app.kubernetes.io/component=agent');
    const context = agent?.spec.containers[0]?.securityContext;
    expect([context?.privileged, context?.capabilities?.drop]).toEqual([undefined, ['ALL']]);
  });

  it('captures on a node while the first one does, and both restore on the other', async () => {
    const worlds = [first, second];
    const sources = await Promise.all(worlds.map((w) => w.serving({ name: 'beside', node: w.nodeA })));
    for (const { ip } of sources) for (let i = 0; i < 3; i++) await count(ip);
    const checkpoints = await Promise.all(worlds.map((w) => w.captured('beside', 'beside')));
    const clones = await Promise.all(
      worlds.map(async (w) => {
        await w.make(placeholder({ name: 'beside-clone', node: w.nodeB, checkpoint: 'beside' }));
        return (await w.ready('beside-clone')).status.podIP;
      }),
    );
    for (const ip of clones)
      expect(await state(ip)).toMatchObject({ counter: 3, modelIntact: true, child: 'child:hello' });
    for (const { ip } of sources) expect(await state(ip)).toMatchObject({ counter: 3, modelIntact: true });
    const { identityHash = '', artifact } = checkpoints[1]?.status ?? {};
    const own = join(second.sharedDir, `.${NAMESPACE}`, NAMESPACE, identityHash, artifact?.uid ?? '');
    expect(existsSync(join(own, 'manifest.json'))).toBe(true);
  });

  it('keeps its journal in a folder of its own on the node', () => {
    const folder = join(memberDir(clusterName, 'node-a'), 'root', 'var/lib/dynamo-snapshot');
    expect(readdirSync(folder)).toEqual(expect.arrayContaining([first.namespace, NAMESPACE]));
    expect(readdirSync(join(folder, NAMESPACE, `${RELEASE}-dynamo-snapshot`))).toContain('journal');
  });
});
