/**
 * Managed memory (cuMemAllocManaged) of a process, which the driver refuses to checkpoint (error 801) only when the process is locked
 * already. It is mapped from the driver's device at addresses of ordinary mappings; what every process with CUDA maps of that device
 * lies far below (seen with driver 580: 2 MiB at 0x204a00000).
 */
import { readFileSync } from 'node:fs';
import { orAbsent } from '../linux/proc';

const ORDINARY = 2 ** 40;
const LINE = /^([0-9a-f]+)-([0-9a-f]+) .* \/dev\/nvidia-uvm$/;

export const managedBytes = (maps: string): number =>
  maps
    .split('\n')
    .map(
      (line) =>
        LINE.exec(line)
          ?.slice(1)
          .map((hex) => parseInt(hex, 16)) ?? [0, 0],
    )
    .reduce((sum, [from = 0, to = 0]) => (from < ORDINARY ? sum : sum + to - from), 0);

export const managedBytesOf = (pid: number): number =>
  managedBytes(orAbsent(() => readFileSync(`/proc/${pid}/maps`, 'utf8')) ?? '');
