/** The contract between an agent, standby and the workload inside a pod. */

/** Volume and directory through which an agent and a workload talk. */
export const CONTROL_VOLUME = 'snapshot-control';
export const CONTROL_DIR = '/snapshot-control';

export const controlFile = {
  /** Workload -> kubelet: loaded, warmed up, quiet; may be captured (readiness probe of a checkpoint job). */
  readyForSnapshot: 'ready-for-snapshot',
  /** Agent -> source of a checkpoint job: the artifact is durable, exit 0. */
  snapshotComplete: 'snapshot-complete',
  /** Agent -> restored workload: you are a clone now, read your identity again. */
  restoreComplete: 'restore-complete',
  /** Agent -> restored workload: JSON with the new pod's identity, written before `restore-complete`. */
  restoreContext: 'restore-context',
  /** Agent -> restored workload: the same as lines NAME=value. */
  restoreEnvironment: 'restore-environment',
} as const;

/** What a sentinel file holds; it is written to `.<name>.tmp` and renamed. */
export const SENTINEL_CONTENT = 'done\n';

/** Names under which a workload finds the control directory (new and legacy), and G1's ready file. */
export const controlEnv = {
  dir: 'SNAPSHOT_CONTROL_DIR',
  legacyDir: 'DYN_SNAPSHOT_CONTROL_DIR',
  readyFile: 'DYN_READY_FOR_CHECKPOINT_FILE',
  checkpointHash: 'DYN_CHECKPOINT_HASH',
  checkpointPath: 'DYN_CHECKPOINT_PATH',
  checkpointLocation: 'DYN_CHECKPOINT_LOCATION',
  checkpointStorageType: 'DYN_CHECKPOINT_STORAGE_TYPE',
} as const;

/** Base path of the store as G1 workloads know it; nothing is mounted there in a workload pod. */
export const STORE_BASE_PATH = '/checkpoints';

/**
 * Where a placeholder has standby and what standby keeps. The folder is an emptyDir; the program in it is a copy (`standby --install DIR`,
 * run by an init container), or a file of a ConfigMap that is mounted over that very path (docs/adr/0046): its path is the same.
 */
export const STANDBY_VOLUME = 'snapshot-standby';
export const STANDBY_DIR = '/.snapshot';
export const STANDBY_PATH = '/.snapshot/standby';
/** The volume of the ConfigMap, and the file in it. */
export const STANDBY_PROGRAM_VOLUME = 'snapshot-standby-program';
export const STANDBY_FILE = 'standby';

/** Volumes by which an agent or the operator speaks to what runs in a pod: their content is the pod's own, never the artifact's. */
export const isControlVolume = (name: string): boolean =>
  [CONTROL_VOLUME, STANDBY_VOLUME, STANDBY_PROGRAM_VOLUME].includes(name);

/**
 * Real-time signals that standby understands, as offsets from the kernel's first one that programs may use (SIGRTMIN of glibc
 * and musl differ, hence numbers): value = pid of the restored root in standby's pid namespace, exit code, nothing, or the seconds
 * that standby waits for the next order.
 */
export const standbySignal = { adopt: 40, fail: 41, coldStart: 42, claim: 43 } as const;

/** Names that standby gives itself (prctl PR_SET_NAME); `standby --probe` and agents read them from /proc/1/comm. */
export const standbyComm = {
  waiting: 'standby',
  /** An agent has said that it restores this container. */
  claimed: 'standby:claimed',
  restored: 'standby:live',
  /** The restore has failed for good; nothing is tried again in this pod. */
  failed: 'standby:failed',
} as const;

/** Exit code of a placeholder that ends because its restore failed. */
export const FAILED_EXIT_CODE = 41;

/** Localhost seccomp profile that denies io_uring (CRIU cannot dump it), relative to the kubelet's seccomp root. */
export const SECCOMP_PROFILE = 'profiles/block-iouring.json';

export const DEFAULT_CONTAINER = 'main';
