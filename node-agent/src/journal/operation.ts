/** Starts the engine on a journal entry so that it outlives the agent: own session, own host-level cgroups (docs/adr/0003). */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { UID } from '@dynamo-snapshot/api/layout';
import type { ProcessRef } from '../linux/ids';
import { processRef } from '../linux/proc';
import type { JournalEntry } from './entry';
import { entryFile } from './entry';

/** Joins each group, then becomes the command; data comes as positional parameters only. */
const JOIN =
  'count=$1; shift; while [ "$count" -gt 0 ]; do echo 0 > "$1" || exit 125; shift; count=$((count - 1)); done; exec "$@"';

const PARENT = 'dynamo-snapshot';

export interface OperationStart {
  readonly entry: JournalEntry;
  /** UID of the assignment; names the cgroup. */
  readonly uid: string;
  readonly cgroupRoot: string;
  /** e.g. [node, engine.cjs, operate, DIR] */
  readonly argv: readonly string[];
  readonly onExit: () => void;
}

export function startOperation({ entry, uid, cgroupRoot, argv, onExit }: OperationStart): ProcessRef {
  const groups = makeGroups(cgroupRoot, uid);
  const output = openSync(join(entry.dir, entryFile.output), 'a', 0o600);
  const procs = groups.map((dir) => join(dir, 'cgroup.procs'));
  const child = spawn('/bin/sh', ['-c', JOIN, 'join', String(procs.length), ...procs, ...argv], {
    detached: true,
    stdio: ['ignore', output, output],
  });
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

/** One group in each hierarchy: all of v1 and unified, or the only one of v2. */
function hierarchies(root: string): readonly string[] {
  if (existsSync(join(root, 'cgroup.controllers'))) return [root];
  return readdirSync(root, { withFileTypes: true })
    .filter((d) => d.isDirectory())
    .map((d) => join(root, d.name));
}

function groupDirs(root: string, uid: string): readonly string[] {
  if (!UID.test(uid)) throw new TerminalError('InvalidUid', `${JSON.stringify(uid)} cannot name a cgroup`);
  return hierarchies(root).map((dir) => join(dir, PARENT, uid));
}

function makeGroups(root: string, uid: string): readonly string[] {
  const dirs = groupDirs(root, uid);
  for (const dir of dirs) {
    mkdirSync(dir, { recursive: true });
    inheritCpuset(join(dir, '..', '..'), [join(dir, '..'), dir]);
  }
  return dirs;
}

/** A fresh v1 cpuset has no processors and no memory nodes, and takes no process (cpusets(7)). */
function inheritCpuset(from: string, to: readonly string[]): void {
  for (const dir of to)
    for (const file of ['cpuset.cpus', 'cpuset.mems'].filter(
      (name) => existsSync(join(dir, name)) && existsSync(join(from, name)),
    ))
      if (readFileSync(join(dir, file), 'utf8').trim() === '')
        writeFileSync(join(dir, file), readFileSync(join(from, file)));
}

/** Empty groups only: the kernel refuses to remove one that holds a process. */
export function removeGroups(root: string, uid: string): void {
  for (const dir of groupDirs(root, uid).filter((d) => existsSync(d))) {
    try {
      rmdirSync(dir);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    }
  }
}
