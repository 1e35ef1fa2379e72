/** The restored tree, which stands still until it is filled and proven. */
import type { ContainerCgroups } from '../linux/cgroup';
import { containerProcesses } from '../linux/cgroup';
import type { HostPid, ProcessRef } from '../linux/ids';
import { hostPid } from '../linux/ids';
import { status } from '../linux/proc';

/** Host pids of the processes in the pid namespace that CRIU made below the placeholder's, by their pid in it. */
export function restoredProcesses(
  groups: ContainerCgroups,
  placeholder: ProcessRef,
): ReadonlyMap<number, HostPid> {
  const depth = status(placeholder.pid)?.nsPids.length ?? 1;
  return new Map(
    containerProcesses(groups).flatMap((pid) => {
      const nsPids = status(pid)?.nsPids ?? [];
      const inner = nsPids.at(-1);
      return nsPids.length > depth && inner !== undefined ? [[inner, hostPid(pid)] as const] : [];
    }),
  );
}
