import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../../controller/test/until';
import { exitCode } from '../../src/exit';
import { readyStatus } from '../objects';
import { Stage } from '../stage';

const collection = 'apis/nvidia.com/v1alpha1/dynamocheckpoints';

describe('capture', () => {
  let stage: Stage;
  const dir = mkdtempSync(join(tmpdir(), 'snapshot-capture-'));
  beforeEach(async () => {
    stage = new Stage();
    await stage.open();
  });
  afterEach(() => stage.close());
  afterAll(() => rmSync(dir, { recursive: true }));

  const made = (name: string) => stage.server.store.get({ collection, namespace: 'default', name });
  const setStatus = (name: string, status: object) =>
    stage.server.store.change({ collection, namespace: 'default', name }, 'status', (old) => ({
      ...old,
      status,
    }));

  it('of a pod makes a checkpoint in source mode', async () => {
    const { code, out } = await stage.run(['capture', 'worker-0', '--no-wait', '-c', 'main']);
    expect({ code, out }).toEqual({
      code: exitCode.ok,
      out: 'checkpoint worker-0 created in namespace default\n',
    });
    expect(made('worker-0')?.['spec']).toEqual({
      identity: { model: 'worker-0', backendFramework: 'generic' },
      source: { podName: 'worker-0', containerName: 'main' },
    });
  });

  it('follows it through its steps until it is Ready', async () => {
    const run = stage.start(['capture', 'worker-0']);
    await until(
      'the checkpoint is made and watched',
      () => made('worker-0') !== undefined && stage.server.watches > 0,
    );
    setStatus('worker-0', {
      phase: 'Creating',
      progress: { step: 'dump', summary: 'dump', bytesDone: 1, bytesTotal: 9 },
    });
    await until('the step is told', () => run.out.text().includes('dump'));
    setStatus('worker-0', {
      phase: 'Creating',
      progress: { step: 'dump', summary: 'dump', bytesDone: 5, bytesTotal: 9 },
    });
    setStatus('worker-0', readyStatus);
    const { code, out } = await run.ended;
    expect(code).toBe(exitCode.ok);
    expect(out.split('\n')).toEqual([
      'checkpoint worker-0 created in namespace default',
      'worker-0  Pending  waiting for the operator',
      'worker-0  dump',
      'worker-0  Ready  3Gi  default/0123456789abcdef/11111111-2222-3333-4444-555555555555',
      'observe 0.05s, dump 2.50s, paused 0.74s',
      '',
    ]);
  });

  it('ends with 4 and the reason where the capture failed', async () => {
    const run = stage.start(['capture', 'worker-0']);
    await until('watched', () => stage.server.watches > 0);
    const ready = {
      type: 'Ready',
      status: 'False',
      reason: 'PreflightFailed',
      message: '',
      lastTransitionTime: '',
    };
    setStatus('worker-0', { phase: 'Failed', message: 'process 42 is stopped', conditions: [ready] });
    const { code, out } = await run.ended;
    expect(code).toBe(exitCode.operationFailed);
    expect(out).toContain('worker-0  Failed  PreflightFailed: process 42 is stopped');
  });

  it('an interrupt ends the waiting, and says that the capture goes on', async () => {
    const run = stage.start(['capture', 'worker-0']);
    await until('watched', () => stage.server.watches > 0);
    run.stop.abort();
    expect(await run.ended).toMatchObject({
      code: exitCode.interrupted,
      err: expect.stringContaining('the capture goes on'),
    });
  });

  it('gives up after --timeout with 5', async () => {
    expect(await stage.run(['capture', 'worker-0', '--timeout', '0.2'])).toMatchObject({
      code: exitCode.timedOut,
    });
  });

  it('of a name that is taken says what to do', async () => {
    await stage.run(['capture', 'worker-0', '--no-wait']);
    const { code, err } = await stage.run(['capture', 'worker-0', '--no-wait']);
    expect(code).toBe(exitCode.failed);
    expect(err).toBe(
      'error: there is a checkpoint worker-0 already; choose another with --name, or delete it\n',
    );
  });

  const yaml = `apiVersion: nvidia.com/v1alpha1
kind: DynamoCheckpoint
metadata: { name: qwen3 }
spec:
  identity: { model: Qwen/Qwen3-0.6B, backendFramework: vllm }
  source: { podName: qwen3-0 }
`;

  it('takes a file, or stdin, and --name over its name', async () => {
    const file = join(dir, 'checkpoint.yaml');
    writeFileSync(file, yaml);
    expect((await stage.run(['capture', '-f', file, '--no-wait'])).code).toBe(exitCode.ok);
    expect((await stage.run(['capture', '-f', '-', '--name', 'other', '--no-wait'], yaml)).code).toBe(
      exitCode.ok,
    );
    expect(made('qwen3')?.['spec']).toEqual(made('other')?.['spec']);
  });

  it.each([
    ['neither pod nor file', ['capture'], '', 'name a pod, or a file with -f, and not both'],
    ['both', ['capture', 'p', '-f', '-'], '', 'name a pod, or a file with -f, and not both'],
    ['a file without a checkpoint', ['capture', '-f', '-'], 'kind: Pod\n', '- has no DynamoCheckpoint'],
    [
      'a file with two',
      ['capture', '-f', '-'],
      `${yaml}---\n${yaml}`,
      '- has more than one DynamoCheckpoint',
    ],
    ['broken YAML', ['capture', '-f', '-'], 'a: [', 'Flow sequence'],
  ])('refuses %s', async (_, argv, stdin, words) => {
    const { code, err } = await stage.run(argv, stdin);
    expect(code).toBe(exitCode.usage);
    expect(err).toContain(words);
  });
});
