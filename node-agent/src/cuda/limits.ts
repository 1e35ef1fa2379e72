/** How long the driver may take. Measured on one H200 (driver 580): 1.1 GB/s at worst for a first checkpoint, 5-8 GB/s for a restore. */

const FIXED_MS = 60_000;
const BYTES_PER_MS = 0.25e6;

/** Far above what is expected: past it, the driver hangs. */
export const driverLimitMs = (bytes: number): number => FIXED_MS + Math.ceil(bytes / BYTES_PER_MS);

/** For the estimate of a stand-still. */
const CHECKPOINT_BYTES_PER_SECOND = 2e9;
const RESTORE_BYTES_PER_SECOND = 5e9;

export const estimatedResumeSeconds = (bytes: number): number => bytes / RESTORE_BYTES_PER_SECOND;

export const estimatedDriverSeconds = (bytes: number): number =>
  bytes / CHECKPOINT_BYTES_PER_SECOND + estimatedResumeSeconds(bytes);
