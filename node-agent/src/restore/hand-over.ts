/** The word to standby, which process it stands for, and to the worker, that it is a clone now and may run. May be said again. */
import { controlFile, standbySignal } from '@dynamo-snapshot/api/control';
import { explain } from '@dynamo-snapshot/api/errors';
import type { Receipt } from '@dynamo-snapshot/api/receipt';
import type { RestoreRequest } from '../engine';
import { signal } from '../linux/cgroup';
import type { HostPid } from '../linux/ids';
import { hostPid } from '../linux/ids';
import { isAlive } from '../linux/proc';
import { sigqueue } from '../linux/syscalls';
import { hasControlDir, writeControlFile } from '../runtime/control';

/** The worker finds its new identity at its first instruction. */
export function handOver(request: RestoreRequest, receipt: Receipt, placeholder: HostPid): void {
  sigqueue(placeholder, standbySignal.adopt, receipt.restoredPid);
  tell(placeholder, controlFile.restoreContext, restoreContext(request));
  resume(receipt);
  tell(placeholder, controlFile.restoreComplete);
}

/** Children first: their parents find them as they left them. One that runs already is not disturbed. */
function resume({ tree = [] }: Receipt): void {
  for (const { hostPid: pid, startTime } of [...tree].reverse())
    if (isAlive({ pid: hostPid(pid), startTime })) signal(pid, 'SIGCONT');
}

function restoreContext({ pod }: RestoreRequest): string {
  const { name: podName, namespace: podNamespace, uid: podUid, ip: podIp } = pod ?? {};
  return `${JSON.stringify({ version: 1, podName, podNamespace, podUid, podIp })}\n`;
}

function tell(placeholder: HostPid, file: string, content?: string): void {
  try {
    if (hasControlDir(placeholder)) writeControlFile(placeholder, file, content);
  } catch (cause) {
    throw new Error(`write ${file}: ${explain(cause)}`, { cause });
  }
}
