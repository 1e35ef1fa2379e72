/** From an assignment and its pod to a request of the engine; pure. */
import type { AssignmentSpec, SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { isControlVolume } from '@dynamo-snapshot/api/control';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { ArtifactRef } from '@dynamo-snapshot/api/layout';
import { artifactPath, stagingPath } from '@dynamo-snapshot/api/layout';
import { annotation, reason } from '@dynamo-snapshot/api/names';
import type { Fallback } from '@dynamo-snapshot/api/standby';
import type { V1Container, V1Pod, V1Probe, V1Volume } from '@kubernetes/client-node';
import type { MountedVolume, PodFacts, Request, VolumeKind } from '../engine';
import { containerId } from '../linux/ids';
import type { StartedContainer } from '../runtime/starts';

/** What the object does not say. */
export interface Here {
  readonly storeDevice?: number | undefined;
  /** The one that was waited for. */
  readonly container?: StartedContainer | undefined;
}

/** Throws a TerminalError where the pod is not the one that the assignment means. */
export function requestOf(
  { metadata, spec }: SnapshotAssignment,
  pod: V1Pod | undefined,
  store: string,
  { storeDevice, container }: Here = {},
): Request {
  if (spec.operation === 'ColdStart' || spec.operation === 'Fail') return endWaiting(spec, spec.operation);
  if (spec.artifact === undefined)
    throw new TerminalError('InvalidSpec', `${spec.operation} needs spec.artifact`);
  const artifact: ArtifactRef = { namespace: metadata.namespace, ...pick(spec.artifact) };
  const artifactDir = `${store}/${artifactPath(artifact)}`;
  if (spec.operation === 'Delete' || spec.operation === 'Retain')
    return { operation: spec.operation, artifactDir, artifact };
  const target = { artifactDir, artifact, ...targetOf(spec, pod, container) };
  const hooks = spec.hooks === undefined ? {} : { hooks: spec.hooks };
  if (spec.operation === 'Capture') {
    const stagingDir = `${store}/${stagingPath(artifact)}`;
    const afterCapture = spec.afterCapture ?? 'KeepRunning';
    const { tcp, excludePaths } = spec;
    return {
      ...target,
      ...hooks,
      operation: 'Capture',
      stagingDir,
      ...onVolume(storeDevice),
      checkpoint: spec.checkpoint.name,
      afterCapture,
      ...(tcp === undefined ? {} : { tcp }),
      ...(excludePaths === undefined ? {} : { excludePaths }),
    };
  }
  const skipCompatCheck = pod?.metadata?.annotations?.[annotation.skipCompatCheck] === 'true';
  return { ...target, ...hooks, operation: 'Restore', skipCompatCheck, ...restoreOptions(spec) };
}

function targetOf(spec: AssignmentSpec, pod: V1Pod | undefined, container: StartedContainer | undefined) {
  if (spec.container === undefined || spec.pod === undefined)
    throw new TerminalError('InvalidSpec', `${spec.operation} needs spec.pod and spec.container`);
  const id = spec.container.id ?? container?.id;
  if (id === undefined) throw new TerminalError('InvalidSpec', `${spec.operation} needs spec.container.id`);
  const facts = podFacts(pod, { ...spec.pod, nodeName: spec.nodeName, container: spec.container.name });
  // The kubelet may not have told the pod's addresses yet.
  return { containerId: containerId(id), pod: { ...facts, ...addresses(container?.ips ?? []) } };
}

const onVolume = (storeDevice: number | undefined) => (storeDevice === undefined ? {} : { storeDevice });

const restoreOptions = ({ artifact, fallback, lastAttempt }: AssignmentSpec) => ({
  ...(artifact?.digest === undefined ? {} : { artifactDigest: artifact.digest }),
  ...(fallback === undefined ? {} : { fallback }),
  ...(lastAttempt === undefined ? {} : { lastAttempt }),
});

/** The pod may be on its way out: what must still hold is that the container is the very one. */
function endWaiting({ container, because }: AssignmentSpec, operation: Fallback): Request {
  if (container?.id === undefined)
    throw new TerminalError('InvalidSpec', `${operation} needs spec.container.id`);
  const { reason: why, message } = because ?? {
    reason: reason.restoreFailed,
    message: 'there is no restore',
  };
  return { operation, containerId: containerId(container.id), because: { reason: why, message } };
}

const pick = ({ identityHash, uid }: { identityHash: string; uid: string }) => ({ identityHash, uid });

interface Wanted {
  readonly name: string;
  readonly uid: string;
  readonly nodeName: string;
  readonly container: string;
}

function podFacts(pod: V1Pod | undefined, wanted: Wanted): PodFacts {
  if (pod?.metadata?.uid !== wanted.uid)
    throw new TerminalError('PodGone', `pod ${wanted.name} (${wanted.uid}) is gone`);
  if (pod.spec?.nodeName !== wanted.nodeName)
    throw new TerminalError(
      'PodElsewhere',
      `pod ${wanted.name} runs on ${pod.spec?.nodeName ?? 'no node'}, not here`,
    );
  const container = pod.spec.containers.find((c) => c.name === wanted.container);
  if (container === undefined)
    throw new TerminalError(
      'TargetContainerNotFound',
      `pod ${wanted.name} has no container ${wanted.container}`,
    );
  const budget = livenessBudget(container.livenessProbe);
  return {
    namespace: pod.metadata.namespace ?? '',
    name: wanted.name,
    uid: wanted.uid,
    nodeName: wanted.nodeName,
    containerName: wanted.container,
    volumes: mountedVolumes(container, pod.spec.volumes ?? []),
    ...networkOf(pod),
    ...(budget === undefined ? {} : { livenessBudgetSeconds: budget }),
  };
}

/** Without a hostname of its own a pod has its name (core/v1 PodSpec). */
function networkOf({ metadata, spec, status }: V1Pod): Pick<PodFacts, 'ip' | 'ips' | 'hostname'> {
  const ip = status?.podIP;
  const ips = (status?.podIPs ?? []).flatMap(({ ip: address }) => address ?? []);
  return {
    hostname: spec?.hostname ?? metadata?.name ?? '',
    ...addresses(ips),
    ...(ip === undefined ? {} : { ip }),
  };
}

const addresses = (ips: readonly string[]): Pick<PodFacts, 'ip' | 'ips'> =>
  ips[0] === undefined ? {} : { ip: ips[0], ips };

function mountedVolumes(container: V1Container, volumes: readonly V1Volume[]): readonly MountedVolume[] {
  return (container.volumeMounts ?? []).flatMap(({ name, mountPath }) => {
    const volume = volumes.find((v) => v.name === name);
    return volume === undefined ? [] : [{ name, mountPath, kind: kindOf(volume, mountPath) }];
  });
}

/** A tmpfs at /dev/shm is part of CRIU's own images. */
function kindOf(volume: V1Volume, mountPath: string): VolumeKind {
  if (isControlVolume(volume.name)) return 'control';
  if (volume.emptyDir !== undefined) return mountPath === '/dev/shm' ? 'other' : 'emptyDir';
  const { projected, configMap, secret, downwardAPI } = volume;
  return [projected, configMap, secret, downwardAPI].some((source) => source !== undefined)
    ? 'projected'
    : 'other';
}

/** The fewest seconds until the kubelet kills a container that stands still: the freeze may begin right before a probe (core/v1 Probe; defaults 10 s, 3, 1 s). */
function livenessBudget(probe: V1Probe | undefined): number | undefined {
  if (probe === undefined) return undefined;
  return ((probe.failureThreshold ?? 3) - 1) * (probe.periodSeconds ?? 10) + (probe.timeoutSeconds ?? 1);
}
