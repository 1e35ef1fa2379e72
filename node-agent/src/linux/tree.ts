/** A process tree in few words: what a restore must bring back. Right while the tree stands still. */
import { readdirSync, readFileSync } from 'node:fs';
import type { ProcessFacts, TreeFacts } from '@dynamo-snapshot/api/tree';
import type { HostPid, ProcessRef } from './ids';
import { limitsOf } from './limits';
import type { FileLock } from './locks';
import { isLostByMapping, lockText, parseLocks, parseMappedFiles } from './locks';
import { link, orAbsent, processRef, processTree, status } from './proc';
import { listeners } from './sockets';

export interface FoundTree {
  readonly facts: TreeFacts;
  /** In the order of facts.processes. */
  readonly refs: readonly ProcessRef[];
}

/** The root and its descendants, zombies left out. */
export function describeTree(root: HostPid): FoundTree {
  const names = listeners(root);
  const limits: string[] = [];
  const found = processTree(root).flatMap((pid) => {
    const ref = processRef(pid);
    const facts = ref === undefined ? undefined : describe(pid, root, names, limits);
    return ref === undefined || facts === undefined ? [] : [{ ref, facts }];
  });
  const tables = limits.map((text) => JSON.parse(text) as TreeFacts['limits'][number]);
  return { facts: { processes: found.map((p) => p.facts), limits: tables }, refs: found.map((p) => p.ref) };
}

function describe(
  pid: HostPid,
  root: HostPid,
  names: ReadonlyMap<string, string>,
  limits: string[],
): ProcessFacts | undefined {
  const seen = status(pid);
  if (seen === undefined || seen.state === 'Z' || seen.state === 'X') return undefined;
  const fds = descriptors(pid);
  const inodes = fds.map(({ target }) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '');
  return {
    nsPid: seen.nsPids.at(-1) ?? pid,
    parent: pid === root ? 0 : (status(seen.parent)?.nsPids.at(-1) ?? 0),
    name: seen.name,
    threads: seen.threads,
    fds: fds.length,
    listening: [...new Set(inodes.flatMap((inode) => names.get(inode) ?? []))].sort(),
    locks: [...new Set(fds.flatMap((fd) => locksOf(pid, fd)))].sort(),
    limits: indexOf(limits, JSON.stringify(limitsOf(pid))),
    oomScoreAdj: Number(orAbsent(() => readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8')) ?? 0),
  };
}

interface Descriptor {
  readonly fd: string;
  readonly target: string;
}

const descriptors = (pid: HostPid): readonly Descriptor[] =>
  (orAbsent(() => readdirSync(`/proc/${pid}/fd`)) ?? []).map((fd) => ({
    fd,
    target: link(`/proc/${pid}/fd/${fd}`) ?? '',
  }));

/** Only files can be locked. */
function locksThrough(pid: HostPid, { fd, target }: Descriptor): readonly FileLock[] {
  if (!target.startsWith('/')) return [];
  return parseLocks(orAbsent(() => readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8')) ?? '');
}

const locksOf = (pid: HostPid, descriptor: Descriptor): readonly string[] =>
  locksThrough(pid, descriptor).map((lock) => lockText(lock, descriptor.target));

/** Paths of files whose POSIX locks a restore would lose. */
export function locksLostByMapping(pid: HostPid): readonly string[] {
  const locked = descriptors(pid).flatMap((descriptor) =>
    locksThrough(pid, descriptor).map((lock) => ({ lock, path: descriptor.target })),
  );
  if (locked.length === 0) return [];
  const mapped = parseMappedFiles(orAbsent(() => readFileSync(`/proc/${pid}/maps`, 'utf8')) ?? '');
  const lost = locked.filter(({ lock, path }) => isLostByMapping(lock, path, mapped));
  return [...new Set(lost.map(({ path }) => path))];
}

function indexOf(list: string[], text: string): number {
  const at = list.indexOf(text);
  return at >= 0 ? at : list.push(text) - 1;
}
