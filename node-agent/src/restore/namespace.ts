/**
 * Moves this thread into a private copy of its mount namespace in which the placeholder's whole mount tree is attached at a folder
 * of ours, so that the next child is born there; the returned function goes back. Between the two only synchronous file calls are
 * right: the threads of the pool stay outside.
 */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import type { HostPid } from '../linux/ids';
import { attachTree, CLONE, cloneTree, makeWritable, mount, MS, setns, unshare } from '../linux/syscalls';

export const RESTORE_ROOT = '/tmp/restore-root';

/** Folder in the private view's own memory file system, which is gone with it: the artifact as it was verified. */
export const VERIFIED = '/tmp/verified';

export function enterPrivateView(placeholder: HostPid): () => void {
  const own = openSync('/proc/self/ns/mnt', 'r');
  const theirs = openSync(`/proc/${placeholder}/ns/mnt`, 'r');
  // A thread that shares its root and working directory with others may not change its mount namespace (setns(2)).
  unshare(CLONE.FS);
  const tree = treeOf(theirs, own);
  unshare(CLONE.NEWNS);
  mount('', '/', '', MS.REC | MS.PRIVATE);
  // CRIU makes its own mount points here. In the container's overlay they would vanish with the agent's pod.
  mount('tmpfs', '/tmp', 'tmpfs', 0, 'mode=1777');
  mkdirSync(RESTORE_ROOT);
  attachTree(tree, RESTORE_ROOT);
  // Not private: CRIU gives each external mount the peer group that its dump had, and takes it from here (MOVE_MOUNT_SET_GROUP).
  mount('', RESTORE_ROOT, '', MS.REC | MS.SLAVE);
  for (const fd of [theirs, tree]) closeSync(fd);
  return () => {
    setns(own, CLONE.NEWNS);
    closeSync(own);
  };
}

/** Whatever happens, this thread is back in its own namespace: what is taken back after a failure has paths of that one. */
function treeOf(theirs: number, own: number): number {
  setns(theirs, CLONE.NEWNS);
  try {
    const tree = cloneTree('/');
    makeWritable(tree);
    return tree;
  } finally {
    setns(own, CLONE.NEWNS);
  }
}
