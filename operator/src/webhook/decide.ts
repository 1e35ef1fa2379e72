/** What admission makes of a pod; pure and total. A pod that asks for nothing is admitted as it is. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { checkpointDefaults } from '@dynamo-snapshot/api/checkpoint';
import { annotation, label, reason } from '@dynamo-snapshot/api/names';
import type { Fallback } from '@dynamo-snapshot/api/standby';
import { fallbacks, parseStandbyCommand } from '@dynamo-snapshot/api/standby';
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { targetContainer } from '../assignment/container';
import { best } from '../restore/best';
import { namedContainer, wantedCheckpoint } from '../restore/observe';
import type { Because } from '../restore/plan';
import type { Preparation } from '../backend/prepare';
import { selectedBy } from './select';
import type { ShapeOrder } from './shape';
import { isSource, prospectOf } from './source';

export type Admission =
  | { readonly do: 'admit'; readonly warning?: string }
  /** It starts with its own command, and may be captured. */
  | { readonly do: 'prepare'; readonly preparation: Preparation }
  | { readonly do: 'shape'; readonly order: ShapeOrder }
  /** It asks, and starts with its own command. */
  | { readonly do: 'leave'; readonly because: Because; readonly preparation?: Preparation }
  /** It asks, may not start cold, and cannot be a placeholder. */
  | { readonly do: 'deny'; readonly because: Because };

/** `checkpoints`: all of the pod's namespace. */
export function decide(pod: V1Pod, checkpoints: readonly DynamoCheckpoint[]): Admission {
  if (pod.metadata?.labels?.[label.isCheckpointSource] === 'true') return { do: 'admit' };
  if (isPlaceholder(pod)) return { do: 'admit' };
  const asked = askedFor(pod, checkpoints);
  if (asked === undefined) return decideSource(pod, checkpoints);
  const admission = decideRestore(pod, asked);
  if (admission.do !== 'leave') return admission;
  return { ...admission, ...preparationOf(pod, checkpoints) };
}

function decideSource(pod: V1Pod, checkpoints: readonly DynamoCheckpoint[]): Admission {
  const prospect = prospectOf(pod, checkpoints);
  if ('warning' in prospect) return { do: 'admit', warning: prospect.warning };
  const { preparation } = prospect;
  return preparation === undefined ? { do: 'admit' } : { do: 'prepare', preparation };
}

/** A pod that is left cold may be the very one that is to be captured. */
function preparationOf(
  pod: V1Pod,
  checkpoints: readonly DynamoCheckpoint[],
): { readonly preparation?: Preparation } {
  const prospect = prospectOf(pod, checkpoints);
  return 'warning' in prospect ? {} : prospect;
}

function decideRestore(pod: V1Pod, asked: Asked): Admission {
  const fallback = fallbackOf(pod, asked.checkpoint);
  const policy = start(pod, asked, fallback);
  if (policy.do === 'leave') return policy;
  const order = shapeOrder(pod, asked, fallback, policy.waits);
  if ('container' in order) return { do: 'shape', order };
  // No placeholder can be made of it. A pod that must not start cold is better refused, where its owner sees it.
  return fallback === 'Fail' && asked.explicit
    ? { do: 'deny', because: order }
    : { do: 'leave', because: order };
}

interface Asked {
  /** By the pod itself, not by the selector of a checkpoint. */
  readonly explicit: boolean;
  readonly wanted: string;
  readonly name?: string;
  readonly checkpoint?: DynamoCheckpoint;
}

function askedFor(pod: V1Pod, checkpoints: readonly DynamoCheckpoint[]): Asked | undefined {
  const wanted = wantedCheckpoint(pod);
  if (wanted === undefined) {
    const checkpoint = best(checkpoints.filter((c) => selectedBy(pod, c)));
    const name = checkpoint?.metadata.name;
    return checkpoint === undefined || name === undefined
      ? undefined
      : { explicit: false, wanted: name, name, checkpoint };
  }
  const { name, hash = '' } = wanted;
  const found =
    name === undefined
      ? best(checkpoints.filter((c) => c.status?.identityHash === hash))
      : checkpoints.find((c) => c.metadata.name === name);
  return {
    explicit: true,
    wanted: name ?? `with hash ${hash}`,
    ...(name === undefined ? {} : { name }),
    ...(found === undefined ? {} : { checkpoint: found }),
  };
}

const isPlaceholder = (pod: V1Pod): boolean =>
  pod.spec?.containers.some((c) => parseStandbyCommand(c.command ?? []) !== undefined) === true;

function fallbackOf({ metadata }: V1Pod, checkpoint: DynamoCheckpoint | undefined): Fallback {
  const own = fallbacks.find((f) => f === metadata?.annotations?.[annotation.restoreFallback]);
  return own ?? checkpoint?.spec.restore?.fallback ?? checkpointDefaults.fallback;
}

type Start =
  { readonly do: 'shape'; readonly waits: boolean } | { readonly do: 'leave'; readonly because: Because };

/** A pod that is selected starts cold while there is nothing to restore; it may be the very one that is to be captured. */
function start(pod: V1Pod, { checkpoint, explicit, wanted }: Asked, fallback: Fallback): Start {
  const cold = (why: string, message: string): Start =>
    explicit && fallback === 'Fail'
      ? { do: 'shape', waits: false }
      : { do: 'leave', because: { reason: why, message } };
  if (checkpoint === undefined)
    return cold(reason.checkpointNotFound, `DynamoCheckpoint ${wanted} does not exist in this namespace`);
  const { metadata, spec, status } = checkpoint;
  if (metadata.deletionTimestamp !== undefined)
    return cold(reason.checkpointNotReady, `DynamoCheckpoint ${wanted} is being deleted`);
  if (status?.phase === 'Ready') return { do: 'shape', waits: false };
  if (status?.phase === 'Failed')
    return cold(reason.checkpointFailed, `DynamoCheckpoint ${wanted} has failed: ${status.message ?? ''}`);
  // A source that waited for its own checkpoint would wait for ever.
  if (spec.restore?.startupPolicy === 'WaitForCheckpoint' && !isSource(pod, checkpoint))
    return { do: 'shape', waits: true };
  return cold(reason.checkpointNotReady, `DynamoCheckpoint ${wanted} is ${status?.phase ?? 'Pending'}`);
}

function shapeOrder(
  pod: V1Pod,
  { checkpoint, name, wanted }: Asked,
  fallback: Fallback,
  waits: boolean,
): ShapeOrder | Because {
  const unsupported = unsupportedOf(pod);
  if (unsupported !== undefined) return { reason: reason.unsupportedPod, message: unsupported };
  const containers = pod.spec?.containers ?? [];
  const target = targetContainer(containers, namedContainer(pod));
  const container = containers.find((c) => c.name === target);
  if (container === undefined)
    return {
      reason: reason.targetContainerNotFound,
      message: `name the container to restore in the annotation ${annotation.targetContainers}`,
    };
  const command = commandOf(container, checkpoint);
  if (command === undefined && fallback === 'ColdStart')
    return {
      reason: reason.commandUnknown,
      message: `container ${container.name} has no command, and DynamoCheckpoint ${wanted} does not know that of its image: set command`,
    };
  return {
    container: container.name,
    command: command ?? [],
    fallback,
    waits,
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(name === undefined ? {} : { name }),
  };
}

/** standby is PID 1 of a pid namespace of its own, and the restored tree lives in it. */
function unsupportedOf({ spec }: V1Pod): string | undefined {
  if (spec?.shareProcessNamespace === true) return 'shareProcessNamespace: standby would not be PID 1';
  if (spec?.hostPID === true) return 'hostPID: standby would not be PID 1';
  return undefined;
}

/** The pod's own; else, for a container that leaves all to its image, that of the worker that was captured. */
function commandOf(
  { command = [], args = [] }: V1Container,
  checkpoint: DynamoCheckpoint | undefined,
): readonly string[] | undefined {
  if (command.length > 0) return [...command, ...args];
  const captured = checkpoint?.status?.source?.command ?? [];
  return args.length === 0 && captured.length > 0 ? captured : undefined;
}
