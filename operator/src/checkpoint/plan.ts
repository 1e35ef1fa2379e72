/** What can be done about a DynamoCheckpoint. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { RunningContainer } from '../assignment/container';

export interface Nothing {
  readonly do: 'nothing';
  readonly requeueAfterMs?: number;
}

export interface Fail {
  readonly do: 'fail';
  readonly reason: string;
  readonly message: string;
}

/** While there is no artifact yet. */
export type CapturePlan =
  | { readonly do: 'addFinalizer' }
  | { readonly do: 'createJob' }
  | { readonly do: 'assignCapture'; readonly target: RunningContainer }
  | { readonly do: 'wait'; readonly reason: string; readonly message: string; readonly warn: boolean }
  | {
      readonly do: 'progress';
      readonly capture: SnapshotAssignment;
      readonly message: string;
      readonly requeueAfterMs?: number;
    }
  | { readonly do: 'ready'; readonly capture: SnapshotAssignment }
  | Fail;

/** When there is one, and when the checkpoint leaves. */
export type EndPlan =
  | { readonly do: 'jobCompleted' }
  | { readonly do: 'endJob' }
  | {
      readonly do: 'cancelCapture';
      readonly capture: SnapshotAssignment;
    }
  | { readonly do: 'assignDelete'; readonly nodeName: string }
  | { readonly do: 'tellDeleteFailed'; readonly message: string; readonly requeueAfterMs: number }
  | { readonly do: 'deleteAgain'; readonly deletion: SnapshotAssignment }
  | { readonly do: 'release' };

export type Plan = Nothing | CapturePlan | EndPlan;
