/** The word to standby, which process it stands for, and to the worker, that it is a clone now. May be said again. */
import { controlFile, standbySignal } from '@dynamo-snapshot/api/control';
import { explain } from '@dynamo-snapshot/api/errors';
import type { Receipt } from '@dynamo-snapshot/api/receipt';
import type { RestoreRequest } from '../engine';
import type { HostPid } from '../linux/ids';
import { sigqueue } from '../linux/syscalls';
import { hasControlDir, writeControlFile } from '../runtime/control';

export function handOver({ pod }: RestoreRequest, { restoredPid }: Receipt, placeholder: HostPid): void {
  sigqueue(placeholder, standbySignal.adopt, restoredPid);
  try {
    if (!hasControlDir(placeholder)) return;
    const context = {
      version: 1,
      podName: pod?.name,
      podNamespace: pod?.namespace,
      podUid: pod?.uid,
      podIp: pod?.ip,
    };
    writeControlFile(placeholder, controlFile.restoreContext, `${JSON.stringify(context)}\n`);
    writeControlFile(placeholder, controlFile.restoreComplete);
  } catch (cause) {
    throw new Error(`write ${controlFile.restoreComplete}: ${explain(cause)}`, { cause });
  }
}
