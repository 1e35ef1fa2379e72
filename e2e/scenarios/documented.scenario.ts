import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { annotation } from '@dynamo-snapshot/api/names';
import type { Here, Thing } from '../documented/commands';
import { commands } from '../documented/commands';
import { FULL_NAME, RELEASE } from '../chart';
import type { Finished, KubeObject } from '../kube';
import { Plugin } from '../plugin';
import { worker } from '../workload';
import type { CheckpointObject, WorldFile } from '../world';
import { clusterName, World, worldFile } from '../world';

/** As the pages call them. */
const [SOURCE, CHECKPOINT, CLONE] = ['worker-0', 'qwen3', 'clone'];
const EMPTY = 'documented';
const ENDLESS_SECONDS = 5;

const shown = Object.entries(commands).flatMap(([command, how]) =>
  'here' in how ? [[command, how] as const] : [],
);

describe('what the pages show', () => {
  const world = new World();
  const home = mkdtempSync(join(tmpdir(), 'snapshot-documented-'));
  const kubeconfig = join(home, 'kubeconfig');

  beforeAll(async () => {
    await Plugin.build();
    const file = JSON.parse(readFileSync(worldFile, 'utf8')) as WorldFile;
    for (const folder of ['bin', '.local/bin', 'work']) mkdirSync(join(home, folder), { recursive: true });
    symlinkSync(file.kubectl, join(home, 'bin/kubectl'));
    symlinkSync(file.helm, join(home, 'bin/helm'));
    symlinkSync(resolve('dist/kubectl-snapshot'), join(home, 'bin/kubectl-snapshot'));
    copyFileSync(file.kubeconfig, kubeconfig);
    const { code, stderr } = await run(`kubectl config set-context --current --namespace ${file.namespace}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const made = worker({ name: SOURCE, node: world.nodeA });
    const annotations = { [annotation.backend]: 'vllm' };
    await world.make({ ...made, metadata: { ...made.metadata, annotations } });
    await world.ready(SOURCE);
  }, 300_000);
  afterAll(async () => {
    await world.kube.delete('pod', [CLONE]);
    await world.clean();
    await world.kube.delete('dynamocheckpoint', [CHECKPOINT]);
    await world.kube.delete('namespace', [EMPTY]);
    rmSync(home, { recursive: true });
  }, 180_000);

  function run(
    command: string,
    { inCheckout = false, endless = false }: Partial<Here> = {},
  ): Promise<Finished> {
    const { KUBECONFIG: _, ...rest } = process.env;
    const path = `${join(home, 'bin')}:${process.env['PATH']}`;
    // Another home would have Kubernetes built once more.
    const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
    const env = { ...rest, HOME: home, XDG_CACHE_HOME: cache, KUBECONFIG: kubeconfig, PATH: path };
    const cwd = inCheckout ? undefined : join(home, 'work');
    const argv = ['-euo', 'pipefail', '-c', command];
    return new Promise((done) => {
      const [program, ...args] = endless
        ? ['timeout', `${ENDLESS_SECONDS}`, 'bash', ...argv]
        : ['bash', ...argv];
      execFile(program, args, { env, cwd, timeout: 180_000, maxBuffer: 64 << 20 }, (error, stdout, stderr) =>
        done({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr }),
      );
    });
  }

  /** What a page's word stands for by now. */
  async function meant(thing: Thing): Promise<string> {
    if (thing === 'agent' || thing === 'assignment') {
      const [kind, selector] = thing === 'agent' ? ['pods', 'component=agent'] : ['snapshotassignments', ''];
      const of = selector === '' ? '' : `app.kubernetes.io/${selector}`;
      const all = await world.kube.list<KubeObject & { spec: { operation?: string } }>(kind, of);
      const found = all.find(({ spec }) => thing === 'agent' || spec.operation === 'Restore');
      return found?.metadata.name ?? `(no ${thing})`;
    }
    if (thing === 'artifact') {
      const { status } = await world.kube.get<CheckpointObject>('dynamocheckpoint', CHECKPOINT);
      return status?.location ?? '(no artifact)';
    }
    return {
      checkpoint: CHECKPOINT,
      'cluster env': `cluster -- env --name ${clusterName}`,
      'empty namespace': EMPTY,
      namespace: world.namespace,
      operator: `${FULL_NAME}-operator`,
      'other node': world.nodeB,
      release: RELEASE,
      source: SOURCE,
    }[thing];
  }

  it.each(shown)(
    '%s',
    async (command, how) => {
      let line = command;
      for (const [word, thing] of Object.entries(how.here)) line = line.replaceAll(word, await meant(thing));
      const { code, stdout, stderr } = await run([line, how.more ?? ''].join(' ').trim(), how);
      // timeout(1) ends what goes on for ever.
      const ended = how.endless === true ? 124 : 0;
      expect({ line, code, stderr, stdout }).toMatchObject({ code: ended });
    },
    200_000,
  );
});
