/**
 * What the profile of its backend makes of a pod that may be captured, before it starts cold: a worker that runs already can neither
 * be talked out of an io_uring nor given more shared memory (docs/adr/0042). Pure. What the pod says itself stays.
 */
import type { BackendName, BackendProfile } from '@dynamo-snapshot/api/backends';
import { backendOf } from '@dynamo-snapshot/api/backends';
import { annotation } from '@dynamo-snapshot/api/names';
import type { V1Container, V1EnvVar, V1Pod, V1PodSecurityContext } from '@kubernetes/client-node';
import {
  byName,
  SHARED_MEMORY_PATH,
  sharedMemoryMount,
  sharedMemoryVolume,
  variables,
  withMounts,
} from '../checkpoint/job';
import { servingPort } from './port';

export interface Preparation {
  readonly backend: BackendName;
  /** The one that is to be captured. */
  readonly container: string;
}

/** `seccompProfile`: a Localhost profile that denies io_uring; empty = none. */
export function prepared(pod: V1Pod, { backend, container }: Preparation, seccompProfile: string): V1Pod {
  const known = backendOf(backend);
  if ('refused' in known || pod.spec === undefined) return pod;
  const { profile } = known;
  const { containers, volumes = [], securityContext } = pod.spec;
  const target = containers.find((c) => c.name === container);
  const shm = profile.sharedMemory !== undefined && target !== undefined && !mountsSharedMemory(target);
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      annotations: { ...pod.metadata?.annotations, [annotation.backend]: backend },
    },
    spec: {
      ...pod.spec,
      containers: containers.map((c) =>
        c === target ? worker(c, { profile, shm, securityContext, seccompProfile }) : c,
      ),
      ...(shm ? { volumes: byName(volumes, [sharedMemoryVolume(profile.sharedMemory)]) } : {}),
    },
  };
}

const mountsSharedMemory = ({ volumeMounts = [] }: V1Container): boolean =>
  volumeMounts.some((m) => m.mountPath === SHARED_MEMORY_PATH);

interface Means {
  readonly profile: BackendProfile;
  readonly shm: boolean;
  readonly securityContext: V1PodSecurityContext | undefined;
  readonly seccompProfile: string;
}

const worker = (container: V1Container, means: Means): V1Container => ({
  ...container,
  env: environment(container, means.profile),
  ...readiness(container, means.profile),
  ...seccomp(container, means),
  ...(means.shm ? { volumeMounts: withMounts(container, [sharedMemoryMount]) } : {}),
});

/** The container's own variables, and those of the profile that it does not set. */
const environment = ({ env = [] }: V1Container, profile: BackendProfile): V1EnvVar[] =>
  byName(env, variables(profile.environment));

/** Without a probe it would be Ready, and captured, while it loads. */
function readiness(
  container: V1Container,
  { readinessPath, port }: BackendProfile,
): Pick<V1Container, 'readinessProbe'> {
  if (container.readinessProbe !== undefined || readinessPath === undefined || port === undefined) return {};
  const httpGet = { path: readinessPath, port: servingPort(container, port) };
  return { readinessProbe: { httpGet, periodSeconds: 2, timeoutSeconds: 5 } };
}

/** Of this container alone: sidecars are not captured. */
function seccomp(
  { securityContext: own }: V1Container,
  { securityContext: ofPod, seccompProfile: localhostProfile }: Means,
): Pick<V1Container, 'securityContext'> {
  const said = own?.seccompProfile !== undefined || ofPod?.seccompProfile !== undefined;
  if (said || localhostProfile === '') return {};
  return { securityContext: { ...own, seccompProfile: { type: 'Localhost', localhostProfile } } };
}
