/** Starts the engine on a journal entry so that it outlives the agent: own session, own host-level cgroups (docs/adr/0003). */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessRef } from '../linux/ids';
import { processRef } from '../linux/proc';
import type { JournalEntry } from './entry';
import { entryFile } from './entry';
import { makeGroups } from './group';
import type { ReadyEngine } from './ready';

const HOST_CGROUP_NAMESPACE = '/proc/1/ns/cgroup';

/**
 * What comes before the command where it must enter the host's cgroup namespace: under cgroup v2 an agent that is not privileged has one of its
 * own, from within which nobody is moved out (cgroup(7), nsdelegate), and in which the paths of /proc/PID/cgroup are others. Arguments
 * are what the links of the namespaces say; undefined: it may not be read, so it may not be entered either.
 */
export const intoHostCgroups = (own: string | undefined, host: string | undefined): readonly string[] =>
  host === undefined || host === own ? [] : ['/usr/bin/nsenter', `--cgroup=${HOST_CGROUP_NAMESPACE}`, '--'];

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Joins each group, then becomes the command; data comes as positional parameters only. */
const JOIN =
  'count=$1; shift; while [ "$count" -gt 0 ]; do echo 0 > "$1" || exit 125; shift; count=$((count - 1)); done; exec "$@"';

export interface OperationStart {
  readonly entry: JournalEntry;
  /** UID of the assignment; names the cgroup. */
  readonly uid: string;
  readonly cgroupRoot: string;
  /** e.g. [node, engine.cjs, operate, DIR] */
  readonly argv: readonly string[];
  readonly onExit: () => void;
  /** One that was started beforehand, to be used in place of the command. */
  readonly ready?: ReadyEngine | undefined;
}

/** Whether a process is moved into its groups as easily by us as by itself. */
export const mayMoveProcesses = (): boolean =>
  intoHostCgroups(linkOf('/proc/self/ns/cgroup'), linkOf(HOST_CGROUP_NAMESPACE)).length === 0;

export function startOperation(start: OperationStart): ProcessRef {
  const { entry, uid, cgroupRoot, argv, onExit, ready } = start;
  const groups = makeGroups(cgroupRoot, uid);
  if (ready?.begin(entry, groups, onExit) === true) return ready.ref;
  const output = openSync(join(entry.dir, entryFile.output), 'a', 0o600);
  const procs = groups.map((dir) => join(dir, 'cgroup.procs'));
  const entering = intoHostCgroups(linkOf('/proc/self/ns/cgroup'), linkOf(HOST_CGROUP_NAMESPACE));
  const joining = ['/bin/sh', '-c', JOIN, 'join', String(procs.length), ...procs, ...argv];
  const [file = '', ...args] = [...entering, ...joining];
  const child = spawn(file, args, { detached: true, stdio: ['ignore', output, output] });
  child.on('error', onExit);
  child.on('exit', onExit);
  // It outlives us; it must not keep us alive either.
  child.unref();
  closeSync(output);
  const ref = child.pid === undefined ? undefined : processRef(child.pid);
  if (ref === undefined) throw new Error(`start ${argv.join(' ')}`);
  entry.writeProcess(ref);
  return ref;
}
