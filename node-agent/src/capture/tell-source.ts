/** Tells the source of a checkpoint job that it was captured and may leave. */
import { controlFile } from '@dynamo-snapshot/api/control';
import { explain } from '@dynamo-snapshot/api/errors';
import type { Log } from '@dynamo-snapshot/controller/log';
import { signal } from '../linux/cgroup';
import type { HostPid } from '../linux/ids';
import { hasControlDir, writeControlFile } from '../runtime/control';
import { speaksSignals } from '../runtime/signals';

/** The artifact is whole already; a worker that cannot be told is ended by its Job. */
export function tellSource(root: HostPid, log: Log): void {
  try {
    if (hasControlDir(root)) writeControlFile(root, controlFile.snapshotComplete);
    if (speaksSignals(root)) signal(root, 'SIGUSR1');
  } catch (error) {
    log.warn(`tell the source that it was captured: ${explain(error)}`);
  }
}
