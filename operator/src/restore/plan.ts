/** What is known of a pod that asks to be restored, and what can be done about it. */
import type { AssignmentSpec, AssignmentStatus, PodCondition } from '@dynamo-snapshot/api/assignment';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import type { Fallback, StandbyOrders } from '@dynamo-snapshot/api/standby';
import type { Instant } from '@dynamo-snapshot/api/time';
import type { Attempt, ComingTarget } from '../assignment/build';
import type { RunningContainer } from '../assignment/container';

export interface Because {
  readonly reason: string;
  readonly message: string;
}

/** An assignment for the container that runs now. */
export interface Given {
  readonly name: string;
  readonly createdAt: Instant;
  readonly spec: AssignmentSpec;
  readonly status?: AssignmentStatus;
}

export interface Observed {
  /** How the pod names its checkpoint, for people. */
  readonly wanted: string;
  readonly targetFound: boolean;
  /** Undefined where the target container is no placeholder and runs its own command. */
  readonly standby?: StandbyOrders;
  /** Why the webhook left the pod as it was. */
  readonly leftAlone?: Because;
  /** Undefined while the target container does not run. */
  readonly running?: RunningContainer;
  /** Defined until the target container runs for the first time. */
  readonly coming?: ComingTarget;
  /** Made before there was a container; it may have ended before the kubelet told of one. */
  readonly first?: Given;
  /** Of the target container. */
  readonly restarts: number;
  readonly checkpoint?: DynamoCheckpoint;
  /** For the container that runs, first to last. */
  readonly attempts: readonly Given[];
  /** The order to end its waiting without a restore. */
  readonly end?: Given;
}

export interface Tell {
  readonly do: 'tell';
  readonly condition: PodCondition;
  /** Whether it is certain which worker runs; for the readiness gate. */
  readonly settled: boolean;
  readonly event: { readonly type: 'Normal' | 'Warning'; readonly reason: string };
  readonly requeueAfterMs?: number;
  /** An assignment that no agent has taken, and that none may take any more. */
  readonly cancel?: string;
}

export type Plan =
  | { readonly do: 'nothing'; readonly requeueAfterMs?: number }
  | {
      readonly do: 'assign';
      readonly checkpoint: DynamoCheckpoint;
      readonly target: RunningContainer | ComingTarget;
      readonly attempt: Attempt;
    }
  /** An assignment for a container that has not started, of an artifact that it is not to be restored from any more. */
  | { readonly do: 'withdraw'; readonly assignment: string }
  | {
      readonly do: 'end';
      readonly how: Fallback;
      readonly because: Because;
      readonly target: RunningContainer;
    }
  | Tell;
