/** The demo's figures and how they are printed. */
import { humanBytes, humanSeconds } from '@dynamo-snapshot/api/quantity';

export interface DemoReport {
  /** Pod created -> Ready, the slow way. */
  readonly coldStartSeconds: number;
  /** Checkpoint applied -> Ready. */
  readonly captureSeconds: number;
  /** How long the source stood still. */
  readonly sourcePausedSeconds: number;
  readonly artifactBytes: number;
  /** Pod created -> Ready. */
  readonly restoreSeconds: number;
  /** Pod Running -> the restored worker answers. */
  readonly runningToAnswerSeconds: number;
  /** CRIU alone. */
  readonly criuRestoreSeconds: number;
  /** Memory, read, verified and filled in by threads of ours: what stock CRIU does itself. */
  readonly fillSeconds: number;
  /** Assignment taken -> restored, without CRIU and the memory. */
  readonly outsideCriuSeconds: number;
  readonly sourceNode: string;
  readonly restoreNode: string;
  readonly counterAtCapture: number;
  readonly firstCounterAfterRestore: number;
  /** Pod created -> Ready of each of the clones that start at once. */
  readonly cloneSeconds: readonly number[];
}

export type Row = readonly [string, string];

export const rows = (r: DemoReport): readonly Row[] => [
  ['cold start (pod created -> Ready)', humanSeconds(r.coldStartSeconds)],
  ['capture (applied -> Ready)', humanSeconds(r.captureSeconds)],
  ['  source stood still', humanSeconds(r.sourcePausedSeconds)],
  ['  artifact', humanBytes(r.artifactBytes)],
  [`restore on ${r.restoreNode} (pod created -> Ready)`, humanSeconds(r.restoreSeconds)],
  ['  pod Running -> worker answers', humanSeconds(r.runningToAnswerSeconds)],
  ['  of which CRIU', humanSeconds(r.criuRestoreSeconds)],
  ['  of which memory', humanSeconds(r.fillSeconds)],
  ['  the rest', humanSeconds(r.outsideCriuSeconds)],
  ['three clones at once', r.cloneSeconds.map(humanSeconds).join(', ')],
  ['counter at capture -> first after restore', `${r.counterAtCapture} -> ${r.firstCounterAfterRestore}`],
  ['cold start : restore', `${(r.coldStartSeconds / r.restoreSeconds).toFixed(1)} : 1`],
];

export function table(all: readonly Row[]): string {
  const width = Math.max(...all.map(([name]) => name.length));
  return all.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
