/** From an ordinary pod to a placeholder that is restored from a checkpoint; pure. Whatever is not named here stays as it was. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { checkpointDefaults } from '@dynamo-snapshot/api/checkpoint';
import {
  STANDBY_DIR,
  STANDBY_FILE,
  STANDBY_PATH,
  STANDBY_PROGRAM_VOLUME,
  STANDBY_VOLUME,
} from '@dynamo-snapshot/api/control';
import { annotation, label, RESTORED_CONDITION, SETTLED_CONDITION } from '@dynamo-snapshot/api/names';
import type { Fallback } from '@dynamo-snapshot/api/standby';
import { standbyCommand } from '@dynamo-snapshot/api/standby';
import type { V1Container, V1Pod, V1PodSpec, V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import { prepared } from '../backend/prepare';
import { byName, contractMounts, contractVolumes, SHARED_MEMORY_PATH, withMounts } from '../checkpoint/job';
import type { Because } from '../restore/plan';
import { startupProbe } from './probe';

export interface ShapeSettings {
  /** ConfigMap of the pod's namespace that holds standby; absent: an installer brings it (docs/adr/0046). */
  readonly standbyConfigMap?: string;
  /** The agent's image, for the installer. */
  readonly standbyImage: string;
  readonly pullPolicy: string;
  /** Localhost profile of placeholders; empty = as the pod says (docs/adr/0025). */
  readonly seccompProfile: string;
  /** Localhost profile of pods that may be captured; empty = as the pod says. */
  readonly sourceSeccompProfile: string;
}

export interface ShapeOrder {
  readonly container: string;
  /** What a cold start runs. */
  readonly command: readonly string[];
  readonly fallback: Fallback;
  /** Absent where it does not exist. */
  readonly checkpoint?: DynamoCheckpoint;
  /** Name of the checkpoint for the annotation; absent where labels name it by its hash. */
  readonly name?: string;
  /** Whether it waits for a checkpoint that is not Ready yet. */
  readonly waits: boolean;
}

export function shaped(asked: V1Pod, order: ShapeOrder, settings: ShapeSettings): V1Pod {
  const pod = likeItsSource(asked, order);
  return { ...pod, metadata: { ...pod.metadata, ...marks(pod, order) }, spec: podSpec(pod, order, settings) };
}

/** What was mounted in the source must be there again. But no seccomp profile: a restored tree brings its own (docs/adr/0025). */
function likeItsSource(pod: V1Pod, { container, checkpoint }: ShapeOrder): V1Pod {
  if (checkpoint?.spec.source === undefined) return pod;
  const { metadata } = pod;
  const backend = checkpoint.spec.identity.backendFramework;
  return { ...prepared(pod, { backend, container }, ''), ...(metadata === undefined ? {} : { metadata }) };
}

/** Says on the pod why it starts with its own command; an operator makes a condition and an event of it. */
export const leftAlone = (pod: V1Pod, { reason, message }: Because): V1Pod => ({
  ...pod,
  metadata: {
    ...pod.metadata,
    annotations: { ...pod.metadata?.annotations, [annotation.notRestored]: `${reason}: ${message}` },
  },
});

function marks({ metadata }: V1Pod, { container, checkpoint, name }: ShapeOrder) {
  const hash = checkpoint?.status?.identityHash;
  const annotations = { ...metadata?.annotations };
  delete annotations[annotation.notRestored];
  return {
    annotations: {
      ...annotations,
      ...(name === undefined ? {} : { [annotation.restoreFrom]: name }),
      [annotation.targetContainers]: container,
    },
    labels: {
      ...metadata?.labels,
      [label.isRestoreTarget]: 'true',
      ...(hash === undefined ? {} : { [label.checkpointHash]: hash }),
    },
  };
}

function podSpec({ spec }: V1Pod, order: ShapeOrder, settings: ShapeSettings): V1PodSpec {
  const { containers = [], ...rest } = spec ?? { containers: [] };
  const shm = sharedMemory(order.checkpoint);
  const gate = order.fallback === 'Fail' ? RESTORED_CONDITION : SETTLED_CONDITION;
  const seccompProfile = { type: 'Localhost', localhostProfile: settings.seccompProfile };
  const own = containers.find((c) => c.name === order.container)?.volumeMounts ?? [];
  const wantsShm = shm !== undefined && !own.some((m) => m.mountPath === SHARED_MEMORY_PATH);
  return {
    ...rest,
    ...(settings.seccompProfile === '' || rest.securityContext?.seccompProfile !== undefined
      ? {}
      : { securityContext: { ...rest.securityContext, seccompProfile } }),
    ...withInstaller(rest.initContainers, settings),
    containers: containers.map((c) =>
      c.name === order.container
        ? placeholder(c, order, [...standbyMounts(settings), ...contractMounts(c.name, wantsShm)])
        : c,
    ),
    volumes: byName(rest.volumes ?? [], [...standbyVolumes(settings), ...contractVolumes(shm, wantsShm)]),
    readinessGates: [...(rest.readinessGates ?? []), { conditionType: gate }],
  };
}

/** Size of the tmpfs that the job of the checkpoint had; undefined where it had none of ours. */
function sharedMemory(checkpoint: DynamoCheckpoint | undefined): string | undefined {
  const job = checkpoint?.spec.job;
  if (job === undefined || job.sharedMemory?.disabled === true) return undefined;
  return job.sharedMemory?.size ?? checkpointDefaults.sharedMemorySize;
}

/** Everybody may run it, nobody write to it. */
const PROGRAM_MODE = 0o555;

/** The emptyDir takes what standby remembers from one container of the pod to the next. */
const standbyVolumes = ({ standbyConfigMap: name }: ShapeSettings): readonly V1Volume[] => [
  { name: STANDBY_VOLUME, emptyDir: {} },
  ...(name === undefined
    ? []
    : [{ name: STANDBY_PROGRAM_VOLUME, configMap: { name, defaultMode: PROGRAM_MODE } }]),
];

/**
 * The program is a mount of its own also where the installer has put it, so that the set of mounts is the same: a worker that starts cold in
 * the one may be captured, and restored into the other.
 */
const standbyMounts = ({ standbyConfigMap }: ShapeSettings): readonly V1VolumeMount[] => [
  { name: STANDBY_VOLUME, mountPath: STANDBY_DIR },
  {
    name: standbyConfigMap === undefined ? STANDBY_VOLUME : STANDBY_PROGRAM_VOLUME,
    mountPath: STANDBY_PATH,
    subPath: STANDBY_FILE,
    readOnly: true,
  },
];

/** First, so that sidecars that are init containers do not hold it up. */
const withInstaller = (
  others: V1Container[] | undefined,
  settings: ShapeSettings,
): Pick<V1PodSpec, 'initContainers'> =>
  settings.standbyConfigMap === undefined ? { initContainers: [installer(settings), ...(others ?? [])] } : {};

/** Asks for what the strictest pod security standard asks for. */
const installer = ({ standbyImage, pullPolicy }: ShapeSettings): V1Container => ({
  name: STANDBY_VOLUME,
  image: standbyImage,
  imagePullPolicy: pullPolicy,
  command: ['/opt/dynamo-snapshot/standby', '--install', STANDBY_DIR],
  resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '64Mi' } },
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 65532,
    runAsGroup: 65532,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  },
  volumeMounts: [{ name: STANDBY_VOLUME, mountPath: STANDBY_DIR }],
});

function placeholder(
  container: V1Container,
  order: ShapeOrder,
  mounts: readonly V1VolumeMount[],
): V1Container {
  const kept = { ...container };
  delete kept.args;
  const restore = order.checkpoint?.spec.restore;
  const wait = restore?.waitTimeoutSeconds ?? checkpointDefaults.waitTimeoutSeconds;
  const claim = restore?.claimTimeoutSeconds ?? checkpointDefaults.claimTimeoutSeconds;
  const attempts = restore?.maxAttempts ?? checkpointDefaults.maxAttempts;
  const timeout = restore?.timeoutSeconds ?? checkpointDefaults.restoreTimeoutSeconds;
  const unclaimedSeconds = order.waits ? wait : claim;
  const { command, fallback: otherwise } = order;
  return {
    ...kept,
    command: standbyCommand({ unclaimedSeconds, otherwise, command }),
    startupProbe: startupProbe(container, {
      seconds: unclaimedSeconds + attempts * (timeout + BETWEEN_ATTEMPTS_SECONDS),
      attempts,
    }),
    ...readiness(container),
    ...lifecycle(container),
    volumeMounts: withMounts(kept, mounts),
  };
}

/** The margin of a claim, the way of an order, and the start of an engine. */
const BETWEEN_ATTEMPTS_SECONDS = 60;

/** It counts from the start of the container; a restored worker has long been up. */
function readiness({ readinessProbe }: V1Container): Pick<V1Container, 'readinessProbe'> {
  if (readinessProbe === undefined) return {};
  const now = { ...readinessProbe };
  delete now.initialDelaySeconds;
  return { readinessProbe: now };
}

/** A postStart hook would meet standby, not the worker. */
function lifecycle({ lifecycle: hooks }: V1Container): Pick<V1Container, 'lifecycle'> {
  const { preStop, stopSignal } = hooks ?? {};
  if (hooks === undefined) return {};
  return {
    lifecycle: {
      ...(preStop === undefined ? {} : { preStop }),
      ...(stopSignal === undefined ? {} : { stopSignal }),
    },
  };
}
