/**
 * What the engine is asked and what it answers. The same requests come from assignments (through the journal), from the command
 * line and from tests; the engine itself knows nothing of Kubernetes objects.
 */
import type { Hook } from '@dynamo-snapshot/api/hooks';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import type { Progress } from '@dynamo-snapshot/api/progress';
import type { Receipt } from '@dynamo-snapshot/api/receipt';
import type { TcpPolicy, Timing } from '@dynamo-snapshot/api/schema';
import type { Fallback } from '@dynamo-snapshot/api/standby';
import type { ArtifactRef } from '@dynamo-snapshot/api/layout';
import type { Left } from './journal/step';
import type { ContainerId } from './linux/ids';

/** `emptyDir` contents are carried in the artifact; open files on `projected` ones (configMap, secret, token) forbid a capture. */
export type VolumeKind = 'emptyDir' | 'projected' | 'control' | 'other';

export interface MountedVolume {
  readonly name: string;
  /** In the container. */
  readonly mountPath: string;
  readonly kind: VolumeKind;
}

/** What the pod's spec says about the container; absent where there is no Kubernetes. */
export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly ip?: string;
  /** One of each family. */
  readonly ips?: readonly string[];
  readonly hostname?: string;
  readonly nodeName: string;
  readonly containerName: string;
  readonly volumes: readonly MountedVolume[];
  /** Seconds that the container may stand still before the kubelet kills it; absent = no liveness probe that it could miss. */
  readonly livenessBudgetSeconds?: number;
}

/** What the worker is asked before it is captured, and when it goes on or was restored. */
export interface Hooks {
  readonly before?: readonly Hook[];
  readonly after?: readonly Hook[];
  /** Of a capture: kept in the artifact, for the workers that are restored from it. */
  readonly restored?: readonly Hook[];
}

export interface CaptureRequest {
  readonly operation: 'Capture';
  /** Absolute; must not exist yet. The parent folder takes the staging folder too. */
  readonly artifactDir: string;
  readonly stagingDir: string;
  /** Of the volume that both must lie on: where it has gone, the empty folder below its mount would take them. */
  readonly storeDevice?: number;
  readonly artifact: ArtifactRef;
  readonly checkpoint?: string;
  readonly containerId: ContainerId;
  readonly pod?: PodFacts;
  readonly afterCapture: 'KeepRunning' | 'Complete';
  readonly hooks?: Hooks;
  /** What a restore does with TCP connections; default close. */
  readonly tcp?: TcpPolicy;
  /** Folders whose changed files are left out, unless one is open. */
  readonly excludePaths?: readonly string[];
}

export interface RestoreRequest {
  readonly operation: 'Restore';
  readonly artifactDir: string;
  readonly artifact: ArtifactRef;
  /** sha256:<hex> of manifest.json, where the one who asks knows it. */
  readonly artifactDigest?: string;
  /** The placeholder, whose PID 1 is standby. */
  readonly containerId: ContainerId;
  readonly pod?: PodFacts;
  readonly skipCompatCheck?: boolean;
  readonly hooks?: Hooks;
  /** What becomes of the placeholder when this fails; absent = it waits on. */
  readonly fallback?: Fallback;
  /** No retry follows. */
  readonly lastAttempt?: boolean;
}

export interface Because {
  readonly reason: string;
  readonly message: string;
}

/** Ends the waiting of a placeholder without a restore. */
export interface EndWaitingRequest {
  readonly operation: Fallback;
  readonly containerId: ContainerId;
  readonly because: Because;
}

export interface DeleteRequest {
  readonly operation: 'Delete';
  readonly artifactDir: string;
  readonly artifact: ArtifactRef;
}

export interface RetainRequest {
  readonly operation: 'Retain';
  readonly artifactDir: string;
  readonly artifact: ArtifactRef;
}

export type Request = CaptureRequest | RestoreRequest | DeleteRequest | RetainRequest | EndWaitingRequest;

export interface CaptureResult {
  readonly operation: 'Capture';
  readonly artifactDigest: string;
  readonly sizeBytes: number;
  /** How long the source stood still. */
  readonly pausedSeconds: number;
  readonly source: Manifest['source'] & {
    readonly image: string;
    readonly imageDigest: string;
    readonly command: readonly string[];
  };
  readonly timings: readonly Timing[];
}

export interface RestoreResult {
  readonly operation: 'Restore';
  readonly receipt: Receipt;
  readonly timings: readonly Timing[];
}

/** Of what has nothing more to tell. */
export interface PlainResult {
  readonly operation: 'Delete' | 'Retain' | Fallback;
  readonly timings: readonly Timing[];
}

export type Result = CaptureResult | RestoreResult | PlainResult;

/** How an operation ended, as `result.json` of its journal entry keeps it. */
export type Outcome = { readonly ok: true; readonly result: Result } | Failure;

export interface Failure {
  readonly ok: false;
  readonly reason: string;
  readonly message: string;
  readonly cancelled?: boolean;
  /** Of the steps that were done; "fall back" is the time from the verdict until the worker was started cold. */
  readonly timings?: readonly Timing[];
  /** What was made of the placeholder of a restore. */
  readonly fellBack?: Fallback;
  /** What could not be taken back yet; tried again until it can. */
  readonly left?: readonly Left[];
  /** Epoch milliseconds of the first verdict, where something was left: what begins in the container from now on is another attempt's. */
  readonly endedAt?: number;
}

/** Where the engine tells how far it is. Must not throw. */
export type Report = (progress: Progress) => void;
