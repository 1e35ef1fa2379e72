/** Sentinel files that the workload waits for, written into its control directory from outside. */
import { closeSync, constants, fsyncSync, lstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { CONTROL_DIR, SENTINEL_CONTENT } from '@dynamo-snapshot/api/control';
import type { HostPid } from '../linux/ids';

const folder = (pid: HostPid): string => `/proc/${pid}/root${CONTROL_DIR}`;

/** A workload that does not mount the control volume does not speak the protocol. A link in its place is not followed. */
export const hasControlDir = (pid: HostPid): boolean =>
  lstatSync(folder(pid), { throwIfNoEntry: false })?.isDirectory() === true;

export function writeControlFile(pid: HostPid, name: string, content: string = SENTINEL_CONTENT): void {
  const part = `${folder(pid)}/.${name}.tmp`;
  rmSync(part, { force: true });
  const fd = openSync(
    part,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o644,
  );
  try {
    writeSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(part, `${folder(pid)}/${name}`);
}

export function removeControlFile(pid: HostPid, name: string): void {
  if (hasControlDir(pid)) rmSync(`${folder(pid)}/${name}`, { force: true });
}
