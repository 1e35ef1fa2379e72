/** What `kubectl snapshot doctor` finds: the agents say it of their nodes (`engine doctor` prints a NodeReport), the plugin of the cluster. */

/** One thing that has to be as it should for captures and restores to work. Names are kept: scripts look for them. */
export const checks = {
  runtimeSocket: 'RuntimeSocket',
  criuFeatures: 'CriuFeatures',
  kernelOptions: 'KernelOptions',
  seccompProfile: 'SeccompProfile',
  diskSpace: 'DiskSpace',
  journal: 'Journal',
  clock: 'Clock',
  agents: 'Agents',
  operator: 'Operator',
  webhook: 'Webhook',
  storage: 'Storage',
  definitions: 'Definitions',
} as const;

export type CheckName = (typeof checks)[keyof typeof checks];

/** `unknown`: it could not be looked at, and nothing is said about it. */
export type CheckResult = 'ok' | 'problem' | 'unknown';

export interface Check {
  readonly check: CheckName;
  readonly result: CheckResult;
  /** What was seen, for a person. */
  readonly message: string;
  /** What to do about a problem. */
  readonly remedy?: string;
}

export interface NodeReport {
  readonly nodeName: string;
  /** The node's clock when it answered, epoch milliseconds. */
  readonly now: number;
  readonly checks: readonly Check[];
  /** Artifacts that it sees in the store, as <namespace>/<identity hash>/<uid>. */
  readonly artifacts: readonly string[];
  /** Why the store could not be looked at, or not at all of it: what is not in `artifacts` may be there then. */
  readonly storeUnknown?: string;
}
