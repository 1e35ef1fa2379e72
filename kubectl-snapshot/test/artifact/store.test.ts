import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../../controller/test/until';
import type { Kubectl } from '../../src/artifact/kubectl';
import { kubectlAt } from '../../src/artifact/kubectl';
import { exitCode } from '../../src/exit';
import { checkpoint, HASH, readyStatus, UID } from '../objects';
import { Stage } from '../stage';
import { makeArtifact, wake } from './artifact';
import { makeSplitArtifact } from './split';

jest.setTimeout(120_000);
const dir = mkdtempSync(join(tmpdir(), 'snapshot-store-'));
afterAll(() => rmSync(dir, { recursive: true }));
const at = (...parts: string[]) => join(dir, ...parts);

/** kubectl exec as the agent's container would do it, but that its programs run here. */
const here: Kubectl = (args) => {
  const command = args.slice(args.indexOf('--') + 1);
  const engine = command.indexOf('/opt/dynamo-snapshot/engine.cjs');
  const [program = '', ...rest] =
    engine < 0
      ? command
      : ['node_modules/.bin/tsx', 'node-agent/src/engine-main.ts', ...command.slice(engine + 1)];
  return kubectlAt(program, new AbortController().signal)([])(rest);
};

describe('an artifact in the store', () => {
  let stage: Stage;
  const stored = (uid: string) => at('store', 'default', HASH, uid);
  const agent = {
    metadata: { name: 'agent-x', labels: { 'app.kubernetes.io/component': 'agent' } },
    spec: { containers: [{ name: 'agent', env: [{ name: 'SNAPSHOT_STORE', value: at('store') }] }] },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  };
  beforeEach(async () => {
    stage = new Stage();
    stage.kubectl = here;
    await stage.open();
    stage.make('api/v1/pods', agent);
    stage.make('dynamocheckpoints', checkpoint('qwen3', readyStatus));
    rmSync(at('store'), { recursive: true, force: true });
    makeArtifact(stored(UID));
  });
  afterEach(() => stage.close());

  it('is inspected without its pages', async () => {
    const { code, out } = await stage.run(['inspect', 'qwen3']);
    expect(code).toBe(exitCode.ok);
    expect(out).toContain('Container:   main of pod default/worker-0');
    expect(out).toContain('├─ [21] nc  /bin/busybox  64Ki');
  });

  it('is verified by the engine, and its manifest has to be the one of the status', async () => {
    const { code, out } = await stage.run(['verify', 'qwen3']);
    expect(code).toBe(exitCode.found);
    expect(out).toContain(`1 fault\n  manifest.json has digest sha256:`);
    expect(out).toContain(`and the checkpoint names sha256:${'a'.repeat(64)}`);
  }, 60_000);

  it('is exported, and imported as another checkpoint that the operator waits with', async () => {
    expect(await stage.run(['export', 'qwen3', at('b.tar')])).toMatchObject({ code: exitCode.ok });
    const run = stage.start(['import', at('b.tar'), '--name', 'copy']);
    const place = {
      collection: 'apis/nvidia.com/v1alpha1/dynamocheckpoints',
      namespace: 'default',
      name: 'copy',
    };
    await until('the object is made', () => stage.server.store.get(place) !== undefined, 30_000);
    const waiting = {
      type: 'Ready',
      status: 'False',
      reason: 'SourcePodNotFound',
      message: '',
      lastTransitionTime: '',
    };
    stage.server.store.change(place, 'status', (old) => ({
      ...old,
      status: { phase: 'Pending', conditions: [waiting] },
    }));
    const { code, out, err } = await run.ended;
    expect({ code, err, out }).toEqual({
      code: exitCode.ok,
      err: '',
      out: expect.stringContaining('checkpoint copy in namespace default: Ready'),
    });
    const made = stage.server.store.get(place) as unknown as {
      metadata: { uid: string };
      status: typeof readyStatus;
    };
    expect(made.status).toMatchObject({
      phase: 'Ready',
      conditions: [{ type: 'Ready', status: 'True' }],
      artifact: { wake },
    });
    const folder = at('store', made.status.location ?? '');
    expect(await stage.run(['verify', folder])).toMatchObject({
      out: expect.stringContaining(made.status.artifact?.digest ?? '?'),
    });
    expect(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))).toMatchObject({
      artifact: { uid: made.metadata.uid, checkpoint: 'copy' },
      dump: { wake },
    });
  }, 60_000);

  it('is exported for CRIU through its agent as from a folder', async () => {
    rmSync(stored(UID), { recursive: true });
    makeSplitArtifact(stored(UID));
    for (const [what, tar] of [
      ['qwen3', 'there.tar'],
      [stored(UID), 'here.tar'],
    ] as const) {
      expect(await stage.run(['export', '--criu', what, at(tar)])).toMatchObject({ code: exitCode.ok });
      expect(await stage.run(['import', at(tar), '--dir', at(tar.slice(0, -4))])).toMatchObject({
        code: exitCode.ok,
      });
    }
    expect(spawnSync('diff', ['-r', at('there'), at('here')], { encoding: 'utf8' }).stdout).toBe('');
  });

  it('that cannot be exported says why, and waits for nobody who still sends', async () => {
    const encryption = { cipher: 'aes-256-gcm', keyId: 'k1', wrappedKey: 'AAAA' } as const;
    rmSync(stored(UID), { recursive: true });
    makeSplitArtifact(stored(UID), { encryption });
    writeFileSync(join(stored(UID), 'rootfs.tar'), Buffer.alloc(64 << 20));
    const { code, err } = await stage.run(['export', '--criu', 'qwen3', at('no.tar')]);
    expect({ code, err }).toEqual({
      code: exitCode.failed,
      err: expect.stringMatching(/^error: the artifact is encrypted with key k1/),
    });
  });

  it('an import that the store refuses leaves neither object nor files', async () => {
    await stage.run(['export', 'qwen3', at('c.tar')]);
    stage.kubectl = (args) =>
      args.includes('verify') ? kubectlAt('false', new AbortController().signal)([])([]) : here(args);
    const { code, err } = await stage.run(['import', at('c.tar'), '--name', 'copy']);
    expect({ code, err }).toEqual({
      code: exitCode.failed,
      err: 'error: verify in the store through pod agent-x: exit 1\n',
    });
    expect(stage.server.store.list('apis/nvidia.com/v1alpha1/dynamocheckpoints')).toHaveLength(1);
    const hashes = readdirSync(at('store', 'default')).filter((h) => h !== HASH);
    expect(hashes.flatMap((h) => readdirSync(at('store', 'default', h)))).toEqual([]);
  });

  it('an archive that is cut off leaves neither object nor files', async () => {
    await stage.run(['export', 'qwen3', at('d.tar')]);
    const whole = readFileSync(at('d.tar'));
    writeFileSync(at('d.tar'), whole.subarray(0, whole.length / 2));
    expect(await stage.run(['import', at('d.tar'), '--name', 'copy'])).toMatchObject({
      code: exitCode.failed,
    });
    expect(stage.server.store.list('apis/nvidia.com/v1alpha1/dynamocheckpoints')).toHaveLength(1);
  });

  it.each([
    ['no checkpoint is there', ['export', 'llama', at('x.tar')], 'there is no checkpoint llama'],
    [
      'the checkpoint has no artifact yet',
      ['inspect', 'new'],
      'checkpoint new is Pending, not Ready: it has no artifact',
    ],
  ])('is not looked for where %s', async (_, argv, words) => {
    stage.make('dynamocheckpoints', checkpoint('new'));
    expect(await stage.run(argv)).toMatchObject({
      code: exitCode.failed,
      err: expect.stringContaining(words),
    });
    expect(existsSync(at('x.tar'))).toBe(false);
  });

  it('where no agent is ready, that is said', async () => {
    mkdirSync(at('store'), { recursive: true });
    stage.server.store.delete({ collection: 'api/v1/pods', namespace: 'default', name: 'agent-x' });
    expect((await stage.run(['inspect', 'qwen3'])).err).toContain(
      'no agent of a release that watches namespace default is ready',
    );
  });
});
