/** The Job that runs a worker for a capture, from the user's template; pure. What the user has set stays; lists are merged by name. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { checkpointDefaults } from '@dynamo-snapshot/api/checkpoint';
import {
  CONTROL_DIR,
  CONTROL_VOLUME,
  controlEnv,
  controlFile,
  STORE_BASE_PATH,
} from '@dynamo-snapshot/api/control';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { API_VERSION, CHECKPOINT, label, reason } from '@dynamo-snapshot/api/names';
import type {
  V1Container,
  V1EnvVar,
  V1Job,
  V1ObjectMeta,
  V1PodSecurityContext,
  V1PodTemplateSpec,
  V1Volume,
  V1VolumeMount,
} from '@kubernetes/client-node';
import { targetContainer } from '../assignment/container';
import { profileOf } from '../backend/quiesce';
import { jobName } from './capture';
import { podinfo } from './podinfo';

export interface JobSettings {
  readonly identityHash: string;
  readonly version: number;
  /** Localhost seccomp profile; empty = none. */
  readonly seccompProfile: string;
}

interface Shaping extends JobSettings {
  /** Of the profile of its backend. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Throws TargetContainerNotFound where the template does not say which container is meant. */
export function checkpointJob(checkpoint: DynamoCheckpoint, settings: JobSettings): V1Job {
  const { metadata, spec } = checkpoint;
  const shaping = { ...settings, environment: profileOf(checkpoint)?.environment ?? {} };
  const { job } = spec;
  if (job === undefined) throw new TerminalError(reason.invalidSpec, 'spec.job is not set');
  const template = job.podTemplateSpec as unknown as V1PodTemplateSpec;
  const labels = { [label.isCheckpointSource]: 'true', [label.checkpointHash]: settings.identityHash };
  const owner = {
    apiVersion: API_VERSION,
    kind: CHECKPOINT.kind,
    name: metadata.name,
    uid: metadata.uid,
    controller: true,
    blockOwnerDeletion: false,
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(metadata.name, settings.version),
      namespace: metadata.namespace,
      labels,
      ownerReferences: [owner],
    },
    spec: {
      backoffLimit: job.backoffLimit ?? checkpointDefaults.backoffLimit,
      activeDeadlineSeconds: job.activeDeadlineSeconds ?? checkpointDefaults.activeDeadlineSeconds,
      ttlSecondsAfterFinished: job.ttlSecondsAfterFinished ?? checkpointDefaults.ttlSecondsAfterFinished,
      template: podTemplate(template, job, labels, shaping),
    },
  };
}

type JobSpec = NonNullable<DynamoCheckpoint['spec']['job']>;

function podTemplate(
  template: V1PodTemplateSpec,
  job: JobSpec,
  labels: Record<string, string>,
  shaping: Shaping,
): V1PodTemplateSpec {
  const { containers = [], ...pod } = template.spec ?? { containers: [] };
  const target = targetContainer(containers, job.targetContainerName);
  if (target === undefined)
    throw new TerminalError(
      reason.targetContainerNotFound,
      `spec.job.podTemplateSpec has no container ${job.targetContainerName ?? '"main"'}; set spec.job.targetContainerName`,
    );
  const shm = job.sharedMemory?.disabled !== true;
  return {
    metadata: podMetadata(template, labels),
    spec: {
      ...pod,
      restartPolicy: 'Never',
      ...securityContext(pod.securityContext, shaping.seccompProfile),
      containers: containers.map((c) => (c.name === target ? shaped(c, shaping, shm) : c)),
      volumes: byName(pod.volumes ?? [], contractVolumes(shm ? job.sharedMemory?.size : undefined, shm)),
    },
  };
}

function podMetadata({ metadata }: V1PodTemplateSpec, labels: Record<string, string>): V1ObjectMeta {
  // The sidecar of a mesh would keep the Job alive for ever.
  const noMesh = { 'linkerd.io/inject': 'disabled', 'sidecar.istio.io/inject': 'false' };
  return {
    ...metadata,
    labels: { ...metadata?.labels, ...labels },
    annotations: { ...metadata?.annotations, ...noMesh },
  };
}

/** Ours wins over a profile of the template: one that allows io_uring makes a worker that CRIU cannot dump. */
function securityContext(
  own: V1PodSecurityContext | undefined,
  localhostProfile: string,
): { readonly securityContext?: V1PodSecurityContext } {
  if (localhostProfile === '') return own === undefined ? {} : { securityContext: own };
  return { securityContext: { ...own, seccompProfile: { type: 'Localhost', localhostProfile } } };
}

function shaped(container: V1Container, shaping: Shaping, shm: boolean): V1Container {
  const { identityHash: hash, environment } = shaping;
  const kept = { ...container };
  delete kept.livenessProbe;
  delete kept.startupProbe;
  const ready = `${CONTROL_DIR}/${controlFile.readyForSnapshot}`;
  const env = {
    [controlEnv.dir]: CONTROL_DIR,
    [controlEnv.legacyDir]: CONTROL_DIR,
    [controlEnv.readyFile]: ready,
    [controlEnv.checkpointHash]: hash,
    [controlEnv.checkpointPath]: STORE_BASE_PATH,
    [controlEnv.checkpointLocation]: `${STORE_BASE_PATH}/${hash}`,
    [controlEnv.checkpointStorageType]: 'pvc',
  };
  return {
    ...kept,
    env: byName(byName(variables(env), container.env ?? []), variables(environment)),
    volumeMounts: withMounts(container, contractMounts(container.name, shm)),
    // The worker is captured when it says so itself, and stands still meanwhile: no other probe may judge it.
    readinessProbe: { exec: { command: ['cat', ready] }, periodSeconds: 1 },
  };
}

export const variables = (of: Readonly<Record<string, string>>): V1EnvVar[] =>
  Object.entries(of).map(([name, value]) => ({ name, value }));

/** What a checkpoint job and a placeholder both mount; what is captured there must be there again. */
export const contractMounts = (container: string, shm: boolean): readonly V1VolumeMount[] => [
  { name: CONTROL_VOLUME, mountPath: CONTROL_DIR, subPath: container },
  { name: 'podinfo', mountPath: '/etc/podinfo', readOnly: true },
  ...(shm ? [sharedMemoryMount] : []),
];

export const SHARED_MEMORY_PATH = '/dev/shm';
const SHARED_MEMORY = 'shared-memory';
export const sharedMemoryMount = { name: SHARED_MEMORY, mountPath: SHARED_MEMORY_PATH } as const;

export const sharedMemoryVolume = (sizeLimit: string = checkpointDefaults.sharedMemorySize): V1Volume => ({
  name: SHARED_MEMORY,
  emptyDir: { medium: 'Memory', sizeLimit },
});

/** A path that the container mounts already stays as it is. */
export function withMounts(
  { volumeMounts: own = [] }: V1Container,
  mounts: readonly V1VolumeMount[],
): V1VolumeMount[] {
  return [...own, ...mounts.filter((m) => !own.some((o) => o.mountPath === m.mountPath))];
}

export function contractVolumes(size: string | undefined, shm: boolean): readonly V1Volume[] {
  return [
    { name: CONTROL_VOLUME, emptyDir: {} },
    { name: 'podinfo', downwardAPI: { items: podinfo() } },
    ...(shm ? [sharedMemoryVolume(size)] : []),
  ];
}

/** The first list, and what of the second it does not name. */
export function byName<T extends { readonly name: string }>(first: readonly T[], second: readonly T[]): T[] {
  return [...first, ...second.filter((s) => !first.some((f) => f.name === s.name))];
}
