import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import type { V1Pod } from '@kubernetes/client-node';
import { decide } from '../../src/webhook/decide';
import { checkpoint } from '../objects';

const artifact = { uid: 'u', digest: 'd', sizeBytes: 1, size: '1B' };
const source = { command: ['python3', 'serve.py'] };
const at = (name: string, phase: 'Ready' | 'Creating' | 'Failed', restore = {}, more: object = {}) =>
  checkpoint({
    metadata: { name, ...more },
    spec: { restore },
    status: {
      phase,
      message: 'no room',
      ...(phase === 'Ready' ? { artifact, source, identityHash: 'h' } : {}),
    },
  });

const captures = (
  source: NonNullable<DynamoCheckpoint['spec']['source']>,
  backendFramework: 'vllm' | 'trtllm' = 'vllm',
  restore = {},
) => checkpoint({ spec: { identity: { model: 'm', backendFramework }, source, restore } });
const ofApp = { selector: { matchLabels: { app: 'a' } } };
const toPrepare = { backend: 'vllm', container: 'main' };

const container = { name: 'main', image: 'worker', command: ['serve'], args: ['--fast'] };
const pod = (metadata: object, spec: object = {}): V1Pod => ({
  metadata,
  spec: { containers: [container], ...spec },
});
const asks = { annotations: { 'nvidia.com/restore-from': 'one' } };
const mustNot = { annotations: { ...asks.annotations, 'nvidia.com/restore-fallback': 'Fail' } };
const app = { labels: { app: 'a', pod: 'x' } };
const selects = { podSelector: { matchLabels: { app: 'a' } } };
const waits = { ...selects, startupPolicy: 'WaitForCheckpoint' } as const;
const left = (why: string) => ({ do: 'leave', because: { reason: why } });
const made = (order: object) => ({ do: 'shape', order });

describe('admission of a pod', () => {
  it.each<[string, V1Pod, readonly DynamoCheckpoint[], object]>([
    ['that asks for nothing', pod({}), [at('one', 'Ready')], { do: 'admit' }],
    [
      'with labels that nothing selects',
      pod({ labels: { app: 'b' } }),
      [at('one', 'Ready', selects)],
      { do: 'admit' },
    ],
    [
      'that runs for a checkpoint itself',
      pod({ labels: { ...app.labels, 'nvidia.com/snapshot-is-checkpoint-source': 'true' } }),
      [at('one', 'Ready', selects)],
      { do: 'admit' },
    ],
    [
      'that is a placeholder already',
      pod(asks, { containers: [{ ...container, command: ['/.snapshot/standby'] }] }),
      [at('one', 'Ready')],
      { do: 'admit' },
    ],
    [
      'that asks for a Ready checkpoint: a placeholder that keeps its command',
      pod(asks),
      [at('one', 'Ready')],
      made({
        container: 'main',
        command: ['serve', '--fast'],
        fallback: 'ColdStart',
        waits: false,
        name: 'one',
      }),
    ],
    [
      'that asks by hash',
      pod({
        labels: {
          'nvidia.com/snapshot-is-restore-target': 'true',
          'nvidia.com/snapshot-checkpoint-hash': 'h',
        },
      }),
      [at('one', 'Ready')],
      made({ checkpoint: { metadata: { name: 'one' } } }),
    ],
    ['that is selected', pod(app), [at('one', 'Ready', selects)], made({ name: 'one' })],
    [
      'that several select: of the Ready ones the oldest',
      pod(app),
      [
        at('failed', 'Failed', selects, { creationTimestamp: '2025-01-01T00:00:00Z' }),
        at('young', 'Ready', selects, { creationTimestamp: '2026-01-03T00:00:00Z' }),
        at('old', 'Ready', selects, { creationTimestamp: '2026-01-02T00:00:00Z' }),
      ],
      made({ name: 'old' }),
    ],
    ['whose checkpoint does not exist', pod(asks), [], left('CheckpointNotFound')],
    ['whose checkpoint has failed', pod(asks), [at('one', 'Failed')], left('CheckpointFailed')],
    ['whose checkpoint is not Ready yet', pod(asks), [at('one', 'Creating')], left('CheckpointNotReady')],
    [
      'that is selected before there is anything to restore',
      pod(app),
      [at('one', 'Creating', selects)],
      left('CheckpointNotReady'),
    ],
    [
      'whose checkpoint is being deleted',
      pod(asks),
      [at('one', 'Ready', {}, { deletionTimestamp: '2026-01-01T00:00:00Z' })],
      left('CheckpointNotReady'),
    ],
    ['that is to wait', pod(app), [at('one', 'Creating', waits)], made({ waits: true })],
    [
      'that would wait for its own capture',
      pod(app),
      [
        {
          ...at('one', 'Creating', waits),
          spec: { ...at('one', 'Creating', waits).spec, source: { selector: { matchLabels: { pod: 'x' } } } },
        },
      ],
      left('CheckpointNotReady'),
    ],
    [
      'that must not start cold, without its checkpoint: a placeholder that fails',
      pod(mustNot),
      [],
      made({ fallback: 'Fail', waits: false }),
    ],
    [
      'that must not start cold, by its checkpoint',
      pod(asks),
      [at('one', 'Failed', { fallback: 'Fail' })],
      made({ fallback: 'Fail' }),
    ],
    [
      'that is selected by one whose pods must not start cold, before it is Ready: somebody must be the first',
      pod(app),
      [at('one', 'Creating', { ...selects, fallback: 'Fail' })],
      left('CheckpointNotReady'),
    ],
    [
      'without a command: what was captured',
      pod(asks, { containers: [{ name: 'main', image: 'worker' }] }),
      [at('one', 'Ready')],
      made({ command: ['python3', 'serve.py'] }),
    ],
    [
      'without a command, but with arguments for one that nobody knows',
      pod(asks, { containers: [{ name: 'main', image: 'worker', args: ['--fast'] }] }),
      [at('one', 'Ready')],
      left('CommandUnknown'),
    ],
    [
      'of several containers, none of them main',
      pod(asks, { containers: [{ name: 'a' }, { name: 'b' }] }),
      [at('one', 'Ready')],
      left('TargetContainerNotFound'),
    ],
    [
      'of several containers, one of them named',
      pod(
        { annotations: { ...asks.annotations, 'nvidia.com/snapshot-target-containers': 'b' } },
        { containers: [{ name: 'a' }, { name: 'b', command: ['b'] }] },
      ),
      [at('one', 'Ready')],
      made({ container: 'b', command: ['b'] }),
    ],
    [
      'that shares its processes',
      pod(asks, { shareProcessNamespace: true }),
      [at('one', 'Ready')],
      left('UnsupportedPod'),
    ],
    [
      "that is in the host's pid namespace",
      pod(asks, { hostPID: true }),
      [at('one', 'Ready')],
      left('UnsupportedPod'),
    ],
    [
      'that cannot be a placeholder and must not start cold',
      pod(mustNot, { hostPID: true }),
      [at('one', 'Ready')],
      { do: 'deny', because: { reason: 'UnsupportedPod' } },
    ],
    [
      'that is to be captured, by its labels',
      pod(app),
      [captures(ofApp)],
      { do: 'prepare', preparation: toPrepare },
    ],
    [
      'that is to be captured, by its name',
      pod({ name: 'x' }),
      [captures({ podName: 'x' })],
      { do: 'prepare', preparation: toPrepare },
    ],
    [
      'that may be captured, by its annotation, before there is a checkpoint',
      pod({ annotations: { 'nvidia.com/snapshot-backend': 'vllm' } }),
      [],
      { do: 'prepare', preparation: toPrepare },
    ],
    [
      'whose annotation names no backend',
      pod({ annotations: { 'nvidia.com/snapshot-backend': 'tgi' } }),
      [],
      { do: 'admit', warning: expect.stringContaining('tgi is none of vllm') },
    ],
    [
      'that is to be captured with an engine that cannot be',
      pod(app),
      [captures(ofApp, 'trtllm')],
      { do: 'admit', warning: expect.stringContaining('TensorRT-LLM') },
    ],
    [
      'of several containers that is to be captured: the one that the checkpoint names',
      pod(app, { containers: [{ name: 'a' }, { name: 'b' }] }),
      [captures({ ...ofApp, containerName: 'b' })],
      { do: 'prepare', preparation: { backend: 'vllm', container: 'b' } },
    ],
    [
      'that is selected and is to be captured itself: cold, and prepared',
      pod(app),
      [captures(ofApp, 'vllm', selects)],
      { ...left('CheckpointNotReady'), preparation: toPrepare },
    ],
  ])('%s', (_, it, checkpoints, admission) => expect(decide(it, checkpoints)).toMatchObject(admission));
});
