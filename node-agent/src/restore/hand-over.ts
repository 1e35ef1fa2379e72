/** The word to standby, which process it stands for, and to the worker, that it is a clone now and may run. May be said again. */
import { randomBytes } from 'node:crypto';
import { controlFile, standbySignal } from '@dynamo-snapshot/api/control';
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import type { Receipt } from '@dynamo-snapshot/api/receipt';
import type { RestoreRequest } from '../engine';
import { signal } from '../linux/cgroup';
import type { HostPid } from '../linux/ids';
import { hostPid } from '../linux/ids';
import { isAlive } from '../linux/proc';
import { sigqueue } from '../linux/syscalls';
import { hasControlDir, writeControlFile } from '../runtime/control';
import { restoreContext, restoreEnvironment } from './identity';
import { isStandby } from './leftovers';

const SEED_BYTES = 32;

/** A proven tree that still stands still. */
export interface Restored {
  readonly receipt: Receipt;
  readonly placeholder: HostPid;
  /** Drawn once for each restore: the worker may have read it by the time that it is told again. */
  readonly seed: string;
}

/** Clones share every secret and every random state of their source; this one is theirs alone. */
export const drawSeed = (): string => randomBytes(SEED_BYTES).toString('hex');

/** The worker finds its new identity at its first instruction. Throws NotWaiting where no standby is left to be told: the signal would end its command. */
export function handOver(request: RestoreRequest, restored: Restored): void {
  const { placeholder } = restored;
  if (!isStandby(placeholder))
    throw new TerminalError(
      'NotWaiting',
      `PID 1 of the container (process ${placeholder}) is no standby any more`,
    );
  sigqueue(placeholder, standbySignal.adopt, restored.receipt.restoredPid);
  goOn(request, restored);
  tell(placeholder, controlFile.restoreComplete);
}

/** Earlier than the word to standby where the driver needs the tree's own threads to restore its GPUs. */
export function goOn(request: RestoreRequest, { receipt, placeholder, seed }: Restored): void {
  tell(placeholder, controlFile.restoreEnvironment, restoreEnvironment(request.pod, seed));
  tell(placeholder, controlFile.restoreContext, restoreContext(request.pod, seed));
  resume(receipt);
}

/** Children first: their parents find them as they left them. One that runs already is not disturbed. */
function resume({ tree = [] }: Receipt): void {
  for (const { hostPid: pid, startTime } of [...tree].reverse())
    if (isAlive({ pid: hostPid(pid), startTime })) signal(pid, 'SIGCONT');
}

function tell(placeholder: HostPid, file: string, content?: string): void {
  try {
    if (hasControlDir(placeholder)) writeControlFile(placeholder, file, content);
  } catch (cause) {
    throw new Error(`write ${file}: ${explain(cause)}`, { cause });
  }
}
