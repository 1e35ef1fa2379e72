/** The process that a capture is about: PID 1 of the container, or, in a restored pod, the child that standby has adopted. */
import { standbyComm } from '@dynamo-snapshot/api/control';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { HostPid } from '../linux/ids';
import { children, status } from '../linux/proc';

export function workloadRoot(containerPid: HostPid): HostPid {
  const name = status(containerPid)?.name;
  if (name === standbyComm.waiting)
    throw new TerminalError(
      'NothingToCapture',
      'the container holds a placeholder that still waits to be restored',
    );
  if (name !== standbyComm.restored) return containerPid;
  const [root, ...others] = children(containerPid).filter((pid) => status(pid)?.state !== 'Z');
  if (root === undefined || others.length > 0)
    throw new TerminalError(
      'NothingToCapture',
      `standby has ${others.length + (root ? 1 : 0)} children, not one`,
    );
  return root;
}
