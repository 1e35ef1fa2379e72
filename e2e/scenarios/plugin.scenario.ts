import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeObject } from '../kube';
import { Plugin } from '../plugin';
import { ask, checkpointOf, count, placeholder, state } from '../workload';
import { World, worldFile } from '../world';
import type { WorldFile } from '../world';

interface Finding {
  readonly check: string;
  readonly where: string;
  readonly result: string;
  readonly message: string;
}

interface Deployment extends KubeObject {
  readonly spec: { readonly replicas: number };
}

/** Requests before the capture: a worker that started cold would know of none. */
const COUNTED = 3;
const STALE = '99999999-2222-3333-4444-555555555555';
const WITHOUT_DIAG = '/var/lib/dynamo-snapshot/kernel-config';

describe('kubectl snapshot', () => {
  const world = new World();
  const plugin = new Plugin(JSON.parse(readFileSync(worldFile, 'utf8')) as WorldFile);
  const dir = mkdtempSync(join(tmpdir(), 'snapshot-plugin-'));
  const archive = join(dir, 'plug.tar');
  beforeAll(() => Plugin.build(), 180_000);
  afterAll(async () => {
    rmSync(dir, { recursive: true });
    await world.kube.delete('dynamocheckpoint', ['plug', 'copy', 'woken']);
    await world.clean();
  }, 180_000);

  it('captures a pod that serves, and shows what came of it', async () => {
    const { ip } = await world.serving({ name: 'plug', node: world.nodeA });
    for (let i = 0; i < COUNTED; i++) await count(ip);
    expect(await plugin.ok(['capture', 'plug'])).toMatch(/plug {2}Ready/);
    expect(await plugin.ok(['ls'])).toMatch(/plug +plug +generic +Ready +[\d.]+Mi/);
    expect(await plugin.ok(['status'])).toMatch(/Capture +plug +plug +\S+ +Succeeded/);
    expect(await plugin.ok(['verify', 'plug'])).toContain('intact');
  });

  it('inspects it: the worker, its socket, its memory', async () => {
    const text = await plugin.ok(['inspect', 'plug', '--all']);
    expect(text).toMatch(/\[1\] python3/);
    expect(text).toMatch(/tcp6? +listen +\S+:8000/);
    const { manifest, processes } = JSON.parse(await plugin.ok(['inspect', 'plug', '-o', 'json'])) as {
      manifest: { process: { memoryBytes: number } };
      processes: { memory: { dumpedBytes: number }[] }[];
    };
    const dumped = processes.flatMap((p) => p.memory).reduce((sum, m) => sum + m.dumpedBytes, 0);
    expect(manifest.process.memoryBytes).toBeGreaterThan(64 << 20);
    expect(dumped).toBeGreaterThan(64 << 20);
  });

  it('exports it, and a worker is restored from the import on the other node', async () => {
    expect(await plugin.ok(['export', 'plug', archive])).toContain(archive);
    expect(await plugin.ok(['import', archive, '--name', 'copy'])).toContain('checkpoint copy');
    expect(await plugin.ok(['verify', 'copy'])).toContain('intact');
    await world.make(placeholder({ name: 'plug-clone', node: world.nodeB, checkpoint: 'copy' }));
    const { status } = await world.ready('plug-clone', 120);
    expect(await state(status.podIP)).toMatchObject({ modelIntact: true, counter: COUNTED });
  });

  it('wakes the clones of an import as it was settled for those of the original', async () => {
    const hook = (path: string) => ({ http: { port: 8000, path } });
    const made = checkpointOf('plug-at-rest', 'plug');
    const quiesce = { beforeCapture: [hook('/pause')], afterRestore: [hook('/resume')] };
    await world.make({ ...made, spec: { ...(made['spec'] as object), quiesce } });
    await world.checkpointReady('plug-at-rest', 120);
    await plugin.ok(['export', 'plug-at-rest', archive]);
    await plugin.ok(['import', archive, '--name', 'woken']);
    await world.make(placeholder({ name: 'plug-woken', node: world.nodeB, checkpoint: 'woken' }));
    const { status } = await world.ready('plug-woken', 120);
    const { paused, hooks } = await ask<{ paused: boolean; hooks: readonly string[] }>(
      status.podIP,
      '/hooks',
    );
    expect({ paused, hooks }).toEqual({ paused: false, hooks: ['/pause', '/resume'] });
  });

  it('exports it for CRIU: all of its memory is in the images, and it is an artifact still', async () => {
    const forCriu = join(dir, 'for-criu.tar');
    const folder = join(dir, 'for-criu');
    expect(await plugin.ok(['export', '--criu', 'plug', forCriu])).toContain(forCriu);
    await plugin.ok(['import', forCriu, '--dir', folder]);
    expect(await plugin.ok(['verify', folder])).toContain('intact');
    const pages = readdirSync(join(folder, 'criu')).filter((name) => /^pages-\d+\.img$/.test(name));
    const bytes = pages.reduce((sum, name) => sum + statSync(join(folder, 'criu', name)).size, 0);
    expect(bytes).toBeGreaterThan(64 << 20);
  });

  it('reports it on a page', async () => {
    const file = join(dir, 'report.html');
    expect(await plugin.ok(['report', file])).toMatch(/[2-9]\d* captures and restores/);
    const page = readFileSync(file, 'utf8');
    expect(page).toContain('plug-clone');
    expect(page).toContain('cold start');
  });

  describe('doctor', () => {
    const agents = async () => {
      const pods = await world.kube.list<{ metadata: { name: string }; spec: { nodeName: string } }>(
        'pods',
        'app.kubernetes.io/component=agent',
      );
      return new Map(pods.map((p) => [p.spec.nodeName, p.metadata.name]));
    };
    const onAgent = async (node: string, script: string) =>
      world.kube.run(['exec', (await agents()).get(node) ?? '', '-c', 'agent', '--', 'node', '-e', script]);
    const problems = async (): Promise<readonly string[]> => {
      const { stdout } = await plugin.run(['doctor', '-o', 'json']);
      const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] };
      return findings.filter((f) => f.result === 'problem').map((f) => `${f.check} ${f.where}: ${f.message}`);
    };
    const rollout = () =>
      world.kube.run(
        ['rollout', 'status', 'daemonset', '-l', 'app.kubernetes.io/component=agent', '--timeout=120s'],
        '',
        130,
      );
    const setEnv = async (...settings: readonly string[]) => {
      await world.kube.run([
        'set',
        'env',
        'daemonset',
        '-l',
        'app.kubernetes.io/component=agent',
        ...settings,
      ]);
      await rollout();
    };
    const onVolume = async (path: string) => {
      const [set] = await world.kube.list<{ metadata: { name: string } }>(
        'daemonset',
        'app.kubernetes.io/component=agent',
      );
      const patch = {
        spec: {
          template: {
            spec: { volumes: [{ name: 'seccomp', hostPath: { path, type: 'DirectoryOrCreate' } }] },
          },
        },
      };
      await world.kube.run([
        'patch',
        'daemonset',
        set?.metadata.name ?? '',
        '--type=strategic',
        '-p',
        JSON.stringify(patch),
      ]);
    };
    let healthy: readonly string[] = [];
    beforeAll(async () => {
      healthy = await problems();
    });
    const planted = async () => (await problems()).filter((p) => !healthy.includes(p));

    it('says nothing of the nodes and the store of a healthy cluster', () => {
      expect(healthy.filter((p) => !/^(Webhook|DiskSpace)/.test(p))).toEqual([]);
    });

    it('names a stale journal', async () => {
      const entry = `/var/lib/dynamo-snapshot/journal/${STALE}`;
      const operation = JSON.stringify({
        request: {},
        deadline: 0,
        assignment: { namespace: 'dynamo', name: 'lost', uid: STALE },
      });
      const files = `const fs = require('fs'); fs.mkdirSync('${entry}'); fs.writeFileSync('${entry}/operation.json', '${operation}');`;
      await onAgent(
        world.nodeB,
        `${files} for (const f of ['${entry}/operation.json', '${entry}']) fs.utimesSync(f, 1, 1);`,
      );
      expect(await planted()).toEqual([
        expect.stringMatching(new RegExp(`^Journal ${world.nodeB}: .*dynamo/lost`)),
      ]);
      await onAgent(world.nodeB, `require('fs').rmSync('${entry}', { recursive: true })`);
      expect(await planted()).toEqual([]);
    });

    it('names CRIU that lacks what is needed, and a kernel without an option', async () => {
      for (const node of [world.nodeA, world.nodeB])
        await onAgent(node, `require('fs').writeFileSync('${WITHOUT_DIAG}', 'CONFIG_EPOLL=y\\n')`);
      await setEnv('SNAPSHOT_CRIU=/bin/false', `SNAPSHOT_KERNEL_CONFIG=${WITHOUT_DIAG}`);
      const found = await planted();
      for (const node of [world.nodeA, world.nodeB]) {
        expect(found).toContainEqual(
          expect.stringMatching(new RegExp(`^CriuFeatures ${node}: /bin/false cannot be run`)),
        );
        expect(found).toContainEqual(
          expect.stringMatching(new RegExp(`^KernelOptions ${node}: .*CONFIG_CHECKPOINT_RESTORE`)),
        );
      }
      await setEnv('SNAPSHOT_CRIU-', 'SNAPSHOT_KERNEL_CONFIG-');
    });

    it('names a seccomp folder that is not the kubelet’s', async () => {
      await onVolume('/srv/not-the-kubelet/seccomp');
      await rollout();
      expect(await planted()).toContainEqual(
        expect.stringMatching(
          new RegExp(`^SeccompProfile ${world.nodeA}: the profile is put into .*not-the-kubelet/seccomp`),
        ),
      );
      await onVolume('/var/lib/kubelet/seccomp');
      await rollout();
    });

    it('names the node that has no agent, and an operator that is down', async () => {
      const operator = ['deployment', '-l', 'app.kubernetes.io/component=operator'];
      const [before] = await world.kube.list<Deployment>('deployments', operator[2]);
      await world.kube.run(['scale', ...operator, '--replicas=0']);
      await world.kube.run(['taint', 'nodes', world.nodeB, 'dedicated=test:NoExecute']);
      const gone = (await agents()).get(world.nodeB) ?? '';
      await world.kube.wait('pod', gone, 'delete', 120);
      const found = await planted();
      expect(found).toContainEqual(
        `Agents ${world.nodeB}: no agent runs on it: it has the taint dedicated:NoExecute`,
      );
      expect(found).toContainEqual(
        expect.stringMatching(/^Operator cluster: .* has no replica that is ready/),
      );
      await world.kube.run(['taint', 'nodes', world.nodeB, 'dedicated-']);
      await world.kube.run(['scale', ...operator, `--replicas=${before?.spec.replicas}`]);
      await world.kube.run(['rollout', 'status', ...operator, '--timeout=120s'], '', 130);
      await rollout();
    });
  });
});
