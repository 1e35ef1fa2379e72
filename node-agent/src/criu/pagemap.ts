/** pagemap-*.img: which pages of a task or a shared segment are in its page file, in order (criu: images/pagemap.proto); pure. */
import protobuf from 'protobufjs';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { Extent } from '../linux/extent';
import { endOf, PAGE } from '../linux/extent';
import { understood, withNumbers } from './fields';
import { readImage, writeImage } from './image';

const proto = `
syntax = "proto2";
message pagemap_head { required uint32 pages_id = 1; }
message pagemap_entry {
  required uint64 vaddr = 1; optional uint32 compat_nr_pages = 2; optional bool in_parent = 3;
  optional uint32 flags = 4; optional uint64 nr_pages = 5;
}
`;
const { root } = protobuf.parse(proto, { keepCase: true });
const headType = root.lookupType('pagemap_head');
const entryType = root.lookupType('pagemap_entry');

/** criu: include/pagemap.h. Lazy only says that a page server may bring it later; the page is in the file all the same. */
const PE = { PARENT: 1, LAZY: 2, PRESENT: 4 } as const;

/** Of a pagemap_entry. */
const FLAGS = 4;

/** An address of a task; or an offset in a shared segment. */
export type Run = Extent;

export interface Pagemap {
  readonly name: string;
  /** The page file is pages-<id>.img. */
  readonly pagesId: number;
  readonly runs: readonly Run[];
  readonly bytes: Buffer;
}

/** Throws ImageInvalid where an entry is of a kind that we do not know, or where the runs are not in order: its bytes could not be told. */
export function readPagemap(name: string, bytes: Buffer): Pagemap {
  const [head, ...messages] = readImage(name, bytes).messages;
  if (head === undefined) throw new TerminalError('ImageInvalid', `${name} has no head`);
  const decoded = understood(name, () => headType.toObject(headType.decode(head)));
  const { pages_id: pagesId } = decoded as { pages_id: number };
  const runs = understood(name, () => messages.map((message) => runOf(name, message)));
  const disorder = runs.find((run, i) => i > 0 && run.address < end(runs[i - 1]));
  if (disorder !== undefined)
    throw new TerminalError('ImageInvalid', `${name} has a run at ${hex(disorder.address)} out of order`);
  return { name, pagesId, runs, bytes };
}

const end = (run: Run | undefined): number => (run === undefined ? 0 : endOf(run));
const hex = (address: number): string => `0x${address.toString(16)}`;

function runOf(name: string, message: Buffer): Run {
  const entry = entryType.toObject(entryType.decode(message), { longs: Number }) as {
    vaddr: number;
    compat_nr_pages?: number;
    in_parent?: boolean;
    flags?: number;
    nr_pages?: number;
  };
  const pages = entry.nr_pages || entry.compat_nr_pages || 0;
  const flags = entry.flags ?? 0;
  const known = (flags & ~(PE.PRESENT | PE.LAZY)) === 0 && (flags & PE.PRESENT) !== 0 && !entry.in_parent;
  if (!known || !(pages > 0) || !Number.isSafeInteger(entry.vaddr) || entry.vaddr % PAGE !== 0)
    throw new TerminalError(
      'ImageInvalid',
      `${name} has an entry that is not known: ${JSON.stringify(entry)}`,
    );
  return { address: entry.vaddr, length: pages * PAGE };
}

/** The same image with other runs, each of which lies within one run of before, so that the page file may hold less. */
export function withRuns(pagemap: Pagemap, runs: readonly Run[]): Buffer {
  const { magic, messages } = readImage(pagemap.name, pagemap.bytes);
  const entries = messages.slice(1);
  let at = 0;
  const kept = runs.map((run) => {
    while (at < entries.length && end(pagemap.runs[at]) <= run.address) at += 1;
    const around = pagemap.runs[at];
    const entry = entries[at];
    if (around === undefined || entry === undefined || run.address < around.address || end(run) > end(around))
      throw new TerminalError('ImageInvalid', `${pagemap.name} has no run around ${hex(run.address)}`);
    return changed(entry, run);
  });
  return writeImage({ magic, messages: [...messages.slice(0, 1), ...kept] });
}

/** The same image with no page that only a page server would bring (`criu restore --lazy-pages`): CRIU reads all of them itself. */
export function withoutLazy(name: string, bytes: Buffer): Buffer {
  const { magic, messages } = readImage(name, bytes);
  const [head = Buffer.alloc(0), ...entries] = messages;
  return writeImage({
    magic,
    messages: [head, ...entries.map((entry) => understood(name, () => eager(entry)))],
  });
}

function eager(entry: Buffer): Buffer {
  const { flags } = entryType.toObject(entryType.decode(entry)) as { flags?: number };
  if (flags === undefined || (flags & PE.LAZY) === 0) return entry;
  return withNumbers(entry, new Map([[FLAGS, BigInt(flags & ~PE.LAZY)]]));
}

/** Flags stay as CRIU set them. */
function changed(entry: Buffer, run: Run): Buffer {
  const object = entryType.toObject(entryType.decode(entry));
  const pages = run.length / PAGE;
  const count = object['nr_pages'] === undefined ? { compat_nr_pages: pages } : { nr_pages: pages };
  return Buffer.from(
    entryType.encode(entryType.fromObject({ ...object, vaddr: run.address, ...count })).finish(),
  );
}
