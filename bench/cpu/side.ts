/** What is compared. */
import type { Timing } from '@dynamo-snapshot/api/schema';
import type { HostPid } from '@dynamo-snapshot/node-agent/linux/ids';
import type { Tree } from './tree';

export interface Captured {
  /** How long the tree stood still, as CRIU measured it. */
  readonly pausedSeconds: number;
  /** Until everything is synced to the disk. */
  readonly seconds: number;
  readonly bytes: number;
  readonly steps: readonly Timing[];
}

export interface Restored {
  readonly root: HostPid;
  /** Until the tree runs. */
  readonly seconds: number;
  readonly steps: readonly Timing[];
}

export interface Side {
  readonly name: string;
  /** Of its own, where it cannot take the one of all. */
  readonly tree?: Tree;
  capture(root: HostPid, freezer: string): Promise<Captured>;
  restore(): Promise<Restored>;
}
