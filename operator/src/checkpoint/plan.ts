/** What can be done about a DynamoCheckpoint. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { RunningContainer } from '../assignment/container';
import type { Quiesce } from '../backend/quiesce';
import type { CaptureRequest } from './capture';

export interface Nothing {
  readonly do: 'nothing';
  readonly requeueAfterMs?: number;
}

export interface Fail {
  readonly do: 'fail';
  readonly reason: string;
  readonly message: string;
}

/** While there is no artifact of what was asked for yet. */
export type CapturePlan =
  | { readonly do: 'addFinalizer' }
  /** Written down before anything is done about it. */
  | { readonly do: 'begin'; readonly request: CaptureRequest; readonly message: string }
  | { readonly do: 'createJob' }
  | { readonly do: 'assignCapture'; readonly target: RunningContainer; readonly quiesce: Quiesce }
  | { readonly do: 'wait'; readonly reason: string; readonly message: string; readonly warn: boolean }
  | {
      readonly do: 'progress';
      readonly capture: SnapshotAssignment;
      /** Where the capture does not go on as it should. */
      readonly trouble?: { readonly reason: string; readonly message: string };
      readonly requeueAfterMs?: number;
    }
  | { readonly do: 'ready'; readonly capture: SnapshotAssignment }
  | Fail;

export type Disposal = 'Delete' | 'Retain';

/** When there is one, and when the checkpoint leaves. */
export type EndPlan =
  | { readonly do: 'jobCompleted' }
  | { readonly do: 'endJob' }
  | { readonly do: 'cancelCapture'; readonly capture: SnapshotAssignment }
  | {
      readonly do: 'dispose';
      readonly operation: Disposal;
      readonly artifact: string;
      readonly nodeName: string;
    }
  /** The assignment of a deletion is taken back, so that another one is made. */
  | { readonly do: 'withdraw'; readonly assignment: SnapshotAssignment }
  | {
      readonly do: 'tell';
      readonly reason: string;
      readonly message: string;
      readonly requeueAfterMs: number;
    }
  /** A replaced artifact is gone. */
  | { readonly do: 'forget'; readonly artifact: string }
  | { readonly do: 'count' }
  | { readonly do: 'expire' }
  | { readonly do: 'release' };

export type Plan = Nothing | CapturePlan | EndPlan;
