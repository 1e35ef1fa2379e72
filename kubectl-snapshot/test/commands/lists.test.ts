import { exitCode } from '../../src/exit';
import { assignment, checkpoint, readyStatus } from '../objects';
import { Stage } from '../stage';

describe('ls and status', () => {
  const stage = new Stage();
  beforeAll(() => stage.open());
  afterAll(() => stage.close());

  it('say it in words where there is nothing, and print an empty list for programs', async () => {
    expect(await stage.run(['ls'])).toEqual({
      code: exitCode.ok,
      out: '',
      err: 'no checkpoints in namespace default\n',
    });
    expect(JSON.parse((await stage.run(['ls', '-o', 'json'])).out)).toMatchObject({
      kind: 'List',
      items: [],
    });
    expect((await stage.run(['status'])).err).toBe('nothing runs, and nothing has ended within 600s\n');
  });

  it('ls shows size, phase, age and restores of each, by name', async () => {
    stage.make('dynamocheckpoints', checkpoint('qwen3', readyStatus));
    stage.make(
      'dynamocheckpoints',
      checkpoint('llama', { phase: 'Creating', progress: { step: 'dump', summary: 'dump 45%' } }),
    );
    stage.make('dynamocheckpoints', checkpoint('new'));
    expect((await stage.run(['ls'])).out).toMatchInlineSnapshot(`
     "NAME   MODEL            BACKEND  PHASE                SIZE  PAUSED  RESTORES  AGE
     llama  Qwen/Qwen3-0.6B  vllm     Creating (dump 45%)                0         3m
     new    Qwen/Qwen3-0.6B  vllm     Pending                            0         3m
     qwen3  Qwen/Qwen3-0.6B  vllm     Ready                3Gi   0.74s   12/1      3m
     "
    `);
    expect((await stage.run(['ls', '-A', '-o', 'wide'])).out).toMatchInlineSnapshot(`
     "NAMESPACE  NAME   MODEL            BACKEND  PHASE                SIZE  PAUSED  RESTORES  AGE  HASH              NODE    POD       CRIU  IMAGE
     default    llama  Qwen/Qwen3-0.6B  vllm     Creating (dump 45%)                0         3m
     default    new    Qwen/Qwen3-0.6B  vllm     Pending                            0         3m
     default    qwen3  Qwen/Qwen3-0.6B  vllm     Ready                3Gi   0.74s   12/1      3m   0123456789abcdef  node-a  worker-0  4.2   worker:1
     "
    `);
  });

  it('ls -o yaml gives the objects themselves', async () => {
    const { out } = await stage.run(['ls', '-o', 'yaml']);
    expect(out).toContain('kind: List');
    expect(out).toContain('identityHash: 0123456789abcdef');
  });

  it('status shows what runs before what has ended, and leaves out what ended long ago', async () => {
    stage.make('snapshotassignments', assignment('waits'));
    stage.make(
      'snapshotassignments',
      assignment('capture', {
        phase: 'Running',
        startedAt: '2026-11-28T11:59:57Z',
        progress: {
          step: 'dump',
          summary: 'dump 45%',
          bytesDone: 1_450_000_000,
          bytesTotal: 3_221_225_472,
          bytesPerSecond: 512 << 20,
          etaSeconds: 4,
        },
      }),
    );
    stage.make(
      'snapshotassignments',
      assignment(
        'restored',
        {
          phase: 'Succeeded',
          startedAt: '2026-11-28T11:58:00Z',
          finishedAt: '2026-11-28T11:58:04Z',
          receipt: { artifactDigest: '', restoredPid: 2, bytes: 3 * 2 ** 30, steps: [] },
        },
        { operation: 'Restore', pod: { name: 'worker-1', uid: 'u' }, nodeName: 'node-b' },
      ),
    );
    stage.make(
      'snapshotassignments',
      assignment('failed', {
        phase: 'Failed',
        startedAt: '2026-11-28T11:59:00Z',
        finishedAt: '2026-11-28T11:59:01Z',
        reason: 'PreflightFailed',
        message: 'process 42 (python3) is traced by 17',
      }),
    );
    stage.make(
      'snapshotassignments',
      assignment('old', {
        phase: 'Succeeded',
        startedAt: '2026-11-28T09:00:00Z',
        finishedAt: '2026-11-28T09:00:01Z',
      }),
    );
    expect((await stage.run(['status'])).out).toMatchInlineSnapshot(`
     "OPERATION  CHECKPOINT  POD       NODE    PHASE      TIME   PROGRESS
     Capture    qwen3       worker-0  node-a  Running    3.00s  dump       45%  1.4Gi of 3Gi  512Mi/s  4s left
     Capture    qwen3       worker-0  node-a  Pending           waiting for the agent
     Restore    qwen3       worker-1  node-b  Succeeded  4.00s  3Gi
     Capture    qwen3       worker-0  node-a  Failed     1.00s  PreflightFailed: process 42 (python3) is traced by 17
     "
    `);
  });

  it('an API server that refuses is quoted in its own words', async () => {
    stage.server.failNext('GET', 403);
    const { code, err } = await stage.run(['ls']);
    expect(code).toBe(exitCode.failed);
    expect(err).toBe('error: list checkpoints: Error: injected 403\n');
  });

  it.each([
    [['ls', '-o', 'xml'], 'error: -o xml is not known; it is one of table, wide, json, yaml\n'],
    [['lss'], "error: unknown command 'lss'\n(Did you mean ls?)\n(--help tells more)\n"],
    [['status', '--recent', 'soon'], expect.stringContaining('it is a number of seconds, or 90s, 5m, 1h.')],
  ])('a wrong command line %j ends with 2', async (argv, words) => {
    expect(await stage.run(argv)).toEqual({ code: exitCode.usage, out: '', err: words });
  });
});
