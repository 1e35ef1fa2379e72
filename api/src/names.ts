/** Every string that two programs must spell identically: group, labels, annotations, finalizers, reasons. */

export const GROUP = 'nvidia.com';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

export const CHECKPOINT = {
  kind: 'DynamoCheckpoint',
  plural: 'dynamocheckpoints',
  singular: 'dynamocheckpoint',
  shortNames: ['dckpt', 'checkpoint', 'checkpoints'],
} as const;

export const ASSIGNMENT = {
  kind: 'SnapshotAssignment',
  plural: 'snapshotassignments',
  singular: 'snapshotassignment',
  shortNames: ['snapassign'],
} as const;

export const label = {
  isCheckpointSource: 'nvidia.com/snapshot-is-checkpoint-source',
  isRestoreTarget: 'nvidia.com/snapshot-is-restore-target',
  checkpointHash: 'nvidia.com/snapshot-checkpoint-hash',
  /** On assignments: the DynamoCheckpoint that they serve. */
  checkpointName: 'nvidia.com/snapshot-checkpoint-name',
  operation: 'nvidia.com/snapshot-operation',
  /** On ConfigMaps that hold the program of placeholders. */
  standby: 'nvidia.com/snapshot-standby',
} as const;

export const annotation = {
  restoreFrom: 'nvidia.com/restore-from',
  targetContainers: 'nvidia.com/snapshot-target-containers',
  skipCompatCheck: 'nvidia.com/snapshot-skip-compat-check',
  /** On a DynamoCheckpoint: another value asks for a new capture. */
  recapture: 'nvidia.com/snapshot-recapture',
  /** The same, by upstream's name. */
  artifactVersion: 'nvidia.com/snapshot-artifact-version',
  /** On a Restore assignment that has been counted in its checkpoint's status: which one of its kind it was. */
  counted: 'nvidia.com/snapshot-counted',
  /** Overrides spec.restore.fallback of the checkpoint for one pod: ColdStart or Fail. */
  restoreFallback: 'nvidia.com/restore-fallback',
  /** The pod may be captured: it is prepared as this backend wants it (spec.identity.backendFramework), whether its checkpoint exists or not. */
  backend: 'nvidia.com/snapshot-backend',
  /** Written at admission on a pod that asked and was left as it was: "<reason>: <message>". */
  notRestored: 'nvidia.com/snapshot-not-restored',
} as const;

/** On our CustomResourceDefinitions: the version that they are of. Without it they are somebody else's. */
export const VERSION_ANNOTATION = 'nvidia.com/snapshot-version';

/** Leases in the release's namespace: of the operator that leads, of the agent that sweeps the store. */
export const lease = { operator: 'snapshot-operator', sweep: 'snapshot-sweep' } as const;

/**
 * ConfigMaps with the program of placeholders: one of so many names, by the first digit of its SHA-256. Roles can name them all, and each
 * is found without a list (docs/adr/0046). The chart spells them too.
 */
const STANDBY_CONFIG_MAP = 'dynamo-snapshot-standby';
export const standbyConfigMaps: readonly string[] = [...'0123456789abcdef'].map(
  (digit) => `${STANDBY_CONFIG_MAP}-${digit}`,
);
export const standbyConfigMap = (sha256: string): string => `${STANDBY_CONFIG_MAP}-${sha256.charAt(0)}`;

/** The agents' pods, of whichever release; the chart tells its operator which are its own. */
export const AGENT_SELECTOR = 'app.kubernetes.io/component=agent';

/** Pod condition: the worker in it was restored, proven and woken. Readiness gate of pods that must never start cold. */
export const RESTORED_CONDITION = 'nvidia.com/Restored';

/** Pod condition: it is certain which worker runs, a restored one or one that was started cold. Readiness gate of all others. */
export const SETTLED_CONDITION = 'nvidia.com/RestoreSettled';

/** Holds a DynamoCheckpoint until its artifact is gone from the store. */
export const ARTIFACT_FINALIZER = 'nvidia.com/snapshot-artifact';

/** Field managers of server-side apply: the operator owns intent, an agent owns the status of its assignments. */
export const fieldManager = { operator: 'dynamo-snapshot-operator', agent: 'dynamo-snapshot-agent' } as const;

/** Reasons of conditions and events, UpperCamel. An agent may end an assignment with further reasons (TerminalError.reason). */
export const reason = {
  jobCreated: 'JobCreated',
  jobFailed: 'JobFailed',
  jobDeadlineExceeded: 'JobDeadlineExceeded',
  jobMissing: 'JobMissing',
  jobForbidden: 'JobForbidden',
  jobCompleted: 'JobCompleted',
  waitingForSource: 'WaitingForSource',
  sourcePodNotFound: 'SourcePodNotFound',
  sourcePodGone: 'SourcePodGone',
  sourceAmbiguous: 'SourceAmbiguous',
  targetContainerNotFound: 'TargetContainerNotFound',
  captureRequested: 'CaptureRequested',
  captureRunning: 'CaptureRunning',
  captureSucceeded: 'CaptureSucceeded',
  captureFailed: 'CaptureFailed',
  captureRestarted: 'CaptureRestarted',
  artifactUnverified: 'ArtifactUnverified',
  quiesceFailed: 'QuiesceFailed',
  wakeFailed: 'WakeFailed',
  checkpointReady: 'CheckpointReady',
  checkpointFailed: 'CheckpointFailed',
  checkpointExpired: 'CheckpointExpired',
  duplicateIdentity: 'DuplicateIdentity',
  imageDiffers: 'ImageDiffers',
  invalidSpec: 'InvalidSpec',
  unsupportedBackend: 'UnsupportedBackend',
  artifactDeleting: 'ArtifactDeleting',
  artifactDeleteFailed: 'ArtifactDeleteFailed',
  restoreRequested: 'RestoreRequested',
  restoreRunning: 'RestoreRunning',
  restoreSucceeded: 'RestoreSucceeded',
  restoreFailed: 'RestoreFailed',
  restoreUnproven: 'RestoreUnproven',
  checkpointNotFound: 'CheckpointNotFound',
  checkpointNotReady: 'CheckpointNotReady',
  agentMissing: 'AgentMissing',
  nodeLost: 'NodeLost',
  /** The webhook was not there when the pod was made: it runs its own command. */
  notAPlaceholder: 'NotAPlaceholder',
  commandUnknown: 'CommandUnknown',
  unsupportedPod: 'UnsupportedPod',
  restoredTooOften: 'RestoredTooOften',
  restoreRetried: 'RestoreRetried',
  deadlineExceeded: 'DeadlineExceeded',
  cancelled: 'Cancelled',
} as const;

/** Condition types of a DynamoCheckpoint. The first two are upstream's. */
export const condition = {
  jobCreated: 'JobCreated',
  jobCompleted: 'JobCompleted',
  captured: 'Captured',
  ready: 'Ready',
} as const;
