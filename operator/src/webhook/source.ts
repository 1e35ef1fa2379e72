/** Which pods may be captured, and as what: they are prepared before they start; pure. */
import type { BackendName } from '@dynamo-snapshot/api/backends';
import { backendNames, backendOf } from '@dynamo-snapshot/api/backends';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { annotation } from '@dynamo-snapshot/api/names';
import type { V1Pod } from '@kubernetes/client-node';
import { targetContainer } from '../assignment/container';
import type { Preparation } from '../backend/prepare';
import { namedContainer } from '../restore/observe';
import { hasLabels } from './select';

export type Prospect =
  | { readonly preparation?: Preparation }
  /** It asks for what cannot be done, and starts all the same. */
  | { readonly warning: string };

/**
 * Because a checkpoint captures pods like it, or else by its own annotation. In that order: what we prepare gets the annotation, and when we
 * are asked again about the same pod (reinvocationPolicy) the container that the checkpoint names must still be known.
 */
export function prospectOf(pod: V1Pod, checkpoints: readonly DynamoCheckpoint[]): Prospect {
  const checkpoint = checkpoints.find((c) => c.metadata.deletionTimestamp === undefined && isSource(pod, c));
  if (checkpoint !== undefined) {
    const { identity, source } = checkpoint.spec;
    return prospect(pod, identity.backendFramework, source?.containerName);
  }
  const wanted = pod.metadata?.annotations?.[annotation.backend];
  return wanted === undefined ? {} : named(pod, wanted);
}

/** Its pod, or one of those that its selector means. */
export function isSource({ metadata }: V1Pod, { spec: { source } }: DynamoCheckpoint): boolean {
  if (source?.podName !== undefined) return source.podName === metadata?.name;
  const wanted = source?.selector?.matchLabels;
  return wanted !== undefined && hasLabels(metadata?.labels, wanted);
}

function named(pod: V1Pod, wanted: string): Prospect {
  const name = backendNames.find((n) => n === wanted);
  if (name !== undefined) return prospect(pod, name);
  return { warning: `${annotation.backend}: ${wanted} is none of ${backendNames.join(', ')}` };
}

function prospect(pod: V1Pod, name: BackendName, container = namedContainer(pod)): Prospect {
  const backend = backendOf(name);
  if ('refused' in backend) return { warning: `not prepared for a capture: ${backend.refused}` };
  const target = targetContainer(pod.spec?.containers ?? [], container);
  if (target === undefined)
    return { warning: `not prepared for a capture: name the container in ${annotation.targetContainers}` };
  return { preparation: { backend: name, container: target } };
}
