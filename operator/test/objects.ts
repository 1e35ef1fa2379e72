/** Objects that the tests of the operator start from. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { API_VERSION, ARTIFACT_FINALIZER, ASSIGNMENT, CHECKPOINT } from '@dynamo-snapshot/api/names';
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import type { KnownAgents } from '../src/assignment/agents';
import { checkpointTerms, identityTerms, podTerms } from '../src/lookups';
import type { Caches } from '../src/parts';
import { mountTerms } from '../src/standby/observe';

export const NOW = Date.parse('2026-01-01T00:10:00Z');
export const UID = '11111111-2222-3333-4444-555555555555';
export const CONTAINER_ID = 'ab'.repeat(32);

interface CheckpointOptions {
  readonly metadata?: Partial<DynamoCheckpoint['metadata']>;
  readonly spec?: Partial<DynamoCheckpoint['spec']>;
  readonly status?: DynamoCheckpoint['status'];
}

/** A checkpoint of pod `src`, with our finalizer. */
export const checkpoint = ({ metadata, spec, status }: CheckpointOptions = {}): DynamoCheckpoint => ({
  apiVersion: API_VERSION,
  kind: CHECKPOINT.kind,
  metadata: {
    name: 'one',
    namespace: 'ns',
    uid: UID,
    creationTimestamp: '2026-01-01T00:00:00Z',
    finalizers: [ARTIFACT_FINALIZER],
    ...metadata,
  },
  spec: {
    identity: { model: 'm', backendFramework: 'generic' },
    ...(spec?.job ? {} : { source: { podName: 'src' } }),
    ...spec,
  },
  ...(status ? { status } : {}),
});

export const job = (more: object = {}) => ({
  podTemplateSpec: { spec: { containers: [{ name: 'main', image: 'worker' }] } },
  ...more,
});

export const assignment = (
  name: string,
  status?: SnapshotAssignment['status'],
  more: Partial<SnapshotAssignment['spec']> = {},
  metadata: Partial<SnapshotAssignment['metadata']> = {},
): SnapshotAssignment => ({
  apiVersion: API_VERSION,
  kind: ASSIGNMENT.kind,
  metadata: { name, namespace: 'ns', uid: 'x', creationTimestamp: '2026-01-01T00:09:58Z', ...metadata },
  spec: {
    nodeName: 'node-a',
    operation: 'Capture',
    checkpoint: { name: 'one', uid: UID },
    artifact: { identityHash: 'a'.repeat(16), uid: UID },
    deadlineSeconds: 600,
    ...more,
  },
  ...(status ? { status } : {}),
});

export function pod(name: string, metadata: object = {}, ready = true): V1Pod {
  const status = ready ? 'True' : 'False';
  return {
    metadata: { name, namespace: 'ns', uid: `uid-${name}`, ...metadata },
    spec: { nodeName: 'node-a', containers: [{ name: 'main' }] },
    status: {
      conditions: [{ type: 'Ready', status }],
      containerStatuses: [
        {
          name: 'main',
          ready,
          image: '',
          imageID: '',
          restartCount: 0,
          containerID: `containerd://${CONTAINER_ID}`,
          state: { running: {} },
        },
      ],
    },
  };
}

export const ownedJob = (uid = UID, condition?: string, reason = ''): V1Job => ({
  metadata: {
    name: 'checkpoint-one',
    namespace: 'ns',
    uid: 'job-uid',
    ownerReferences: [{ apiVersion: API_VERSION, kind: CHECKPOINT.kind, name: 'one', uid }],
  },
  status: condition ? { conditions: [{ type: condition, status: 'True', reason }] } : {},
});

interface Named {
  readonly metadata?: { readonly name?: string };
}

const cache = <T extends Named>(list: readonly T[] = []) => ({
  get: (key: string) => list.find((o) => `ns/${o.metadata?.name ?? ''}` === key),
  list: () => list,
});

const lookup = <T extends Named>(list: readonly T[] = [], termsOf: (object: T) => readonly string[]) => ({
  get: (term: string) => list.filter((object) => termsOf(object).includes(term)),
});

/** Nodes whose agent is alive, and those whose agent has fallen silent. */
export const agents = (alive: readonly string[] = ['node-a', 'node-b'], silent: readonly string[] = []) => ({
  state: (node: string) =>
    alive.includes(node)
      ? ('alive' as const)
      : silent.includes(node)
        ? ('silent' as const)
        : ('absent' as const),
  silence: (node: string) => (alive.includes(node) ? 0 : silent.includes(node) ? 60_000 : Infinity),
  alive: () => alive,
});

export interface CacheContents {
  readonly checkpoints?: readonly DynamoCheckpoint[];
  readonly assignments?: readonly SnapshotAssignment[];
  readonly pods?: readonly V1Pod[];
  readonly jobs?: readonly V1Job[];
  readonly agents?: KnownAgents;
}

export const caches = (of: CacheContents): Caches => ({
  checkpoints: cache(of.checkpoints),
  assignments: cache(of.assignments),
  pods: cache(of.pods),
  jobs: cache(of.jobs),
  byIdentity: lookup(of.checkpoints, identityTerms),
  assignmentsOf: lookup(of.assignments, checkpointTerms),
  podsBy: lookup(of.pods, podTerms),
  mounting: lookup(of.pods, mountTerms),
  agents: of.agents ?? agents(),
});
