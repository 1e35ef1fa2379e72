/** Ends what an attempt to restore has left in a container, and nobody else: it may be done late, and again. */
import { standbyComm } from '@dynamo-snapshot/api/control';
import type { ContainerCgroups } from '../linux/cgroup';
import { killLeftovers } from '../linux/cgroup';
import type { ProcessRef } from '../linux/ids';
import { isAlive, startedAt, status } from '../linux/proc';

export const nameOf = (pid: number): string => status(pid)?.name ?? '';

/** Not yet the command that takes its place: a program keeps its pid, but not its name, when it becomes another one (execve(2)). */
export const isStandby = (pid: number): boolean => nameOf(pid).startsWith(standbyComm.waiting);

export interface Attempt {
  /** Of the tree that this attempt has handed over. A standby that stands for any other is another attempt's. */
  readonly root?: ProcessRef | undefined;
  /** Epoch milliseconds; what began later is another attempt's. Absent while no verdict was told: there is no other one then. */
  readonly endedAt?: number | undefined;
}

/**
 * A PID 1 that is no standby any more has started cold, with everybody gone: its children are the worker's own. Throws where what was
 * killed does not go.
 */
export async function endLeftovers(
  groups: ContainerCgroups,
  placeholder: ProcessRef,
  { root, endedAt = Infinity }: Attempt = {},
): Promise<void> {
  // Asked once: it is among those that are killed.
  const handedOver = root !== undefined && isAlive(root);
  const isOurs = () => nameOf(placeholder.pid) !== standbyComm.restored || handedOver;
  await killLeftovers(
    groups,
    placeholder,
    (pid) => isStandby(placeholder.pid) && isOurs() && (startedAt(pid) ?? 0) <= endedAt,
  );
}
