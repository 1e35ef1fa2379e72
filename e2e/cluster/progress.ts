/** Says what is being done, one line each. */
export type Progress = (line: string) => void;

/** Prints each line with the seconds since the first call of this function. */
export function printProgress(write: (text: string) => void, now: () => number): Progress {
  const start = now();
  return (line) => write(`[${((now() - start) / 1000).toFixed(1).padStart(6)} s] ${line}\n`);
}
