/** The process tree of a dump with everything that `inspect` shows of each process. */
import type { PagesIndex } from '@dynamo-snapshot/api/pages';
import { decodeAll } from './codec';
import type { FileTable, Images, OpenFile, Socket } from './files';
import { describe, fileTable, openFiles, sockets } from './files';
import type { Mapping, Range } from './memory';
import { mappings, memoryLayout, rangesOfShards } from './memory';
import type { MessageName, Messages, PstreeEntry } from './messages';

export interface Process {
  readonly pid: number;
  readonly ppid: number;
  readonly name: string;
  readonly state: string;
  readonly threads: number;
  readonly program?: string;
  readonly directory?: string;
  readonly files: readonly OpenFile[];
  readonly sockets: readonly Socket[];
  readonly memory: readonly Mapping[];
  readonly children: readonly Process[];
}

/** criu: include/pid.h, TASK_* */
const states: Readonly<Record<number, string>> = { 1: 'alive', 2: 'dead', 3: 'stopped', 6: 'zombie' };

/** Roots first; usually there is one. `pages`: of memory that is not in CRIU's files. Throws where pstree.img is missing. */
export function processTree(images: Images, pages?: PagesIndex): readonly Process[] {
  const image = images.get('pstree.img');
  if (image === undefined) throw new Error('there is no pstree.img: this is not the folder of a dump');
  const entries = decodeAll('pstree_entry', 'pstree.img', image);
  const known = new Set(entries.map((e) => e.pid));
  const dump = {
    images,
    all: entries,
    files: fileTable(images),
    shards: pages === undefined ? new Map<number, readonly Range[]>() : rangesOfShards(pages),
  };
  return entries.filter((e) => !known.has(e.ppid)).map((e) => processOf(e, dump));
}

interface Dump {
  readonly images: Images;
  readonly all: readonly PstreeEntry[];
  readonly files: FileTable;
  readonly shards: ReadonlyMap<number, readonly Range[]>;
}

function processOf(entry: PstreeEntry, dump: Dump): Process {
  const { images, files } = dump;
  const { pid, ppid, threads } = entry;
  const core = first(images, 'core_entry', `core-${pid}.img`)?.tc;
  const ids = first(images, 'task_kobj_ids_entry', `ids-${pid}.img`);
  const place = first(images, 'fs_entry', `fs-${pid}.img`);
  const program = memoryLayout(images, pid)?.exe_file_id;
  return {
    pid,
    ppid,
    name: core?.comm ?? '?',
    state: states[core?.task_state ?? 0] ?? 'unknown',
    threads: threads.length,
    ...(program === undefined ? {} : { program: describe(files.get(program), program) }),
    ...(place === undefined ? {} : { directory: describe(files.get(place.cwd_id), place.cwd_id) }),
    files: ids === undefined ? [] : openFiles(images, ids.files_id, files),
    sockets: ids === undefined ? [] : sockets(images, ids.files_id, files),
    memory: mappings(images, pid, files, dump.shards.get(pid)),
    children: dump.all.filter((e) => e.ppid === pid && e !== entry).map((e) => processOf(e, dump)),
  };
}

/** A zombie has no memory, no files and no folder. */
function first<M extends MessageName>(images: Images, message: M, file: string): Messages[M] | undefined {
  const image = images.get(file);
  return image === undefined ? undefined : decodeAll(message, file, image)[0];
}

/** The tree as a list, parents before children. */
export const flat = (tree: readonly Process[]): readonly Process[] =>
  tree.flatMap((process) => [process, ...flat(process.children)]);
