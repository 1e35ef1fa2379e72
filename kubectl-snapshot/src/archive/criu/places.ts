/**
 * Where each byte of memory goes in CRIU's own page files, wherever an artifact has it: in a thin page file, or in a chunk of a shard;
 * pure. Pages of zeros that are nowhere are listed nowhere: CRIU, too, restores memory that no list names as empty, and takes back
 * from a child what it has inherited and does not list.
 */
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { PagesChunk, PagesIndex } from '@dynamo-snapshot/api/pages';
import { decode, encode, entriesOf } from '../../images/codec';
import type { Images } from '../../images/files';
import { PAGE_BYTES } from '../../images/memory';
import { adviceOfBefore } from './advice';
import type { Locate } from './areas';
import { locator } from './areas';

/** Bytes, in the order of the file that they come from, and where they go. */
export interface Place {
  /** Path of a page file. */
  readonly file: string;
  readonly at: number;
  readonly length: number;
}

export interface Places {
  /** Images that say something else than those of the artifact, by path. */
  readonly images: ReadonlyMap<string, Buffer>;
  /** Of each page file, by path. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Of each file that has memory, from its begin to its end, by its path in the artifact. */
  readonly of: ReadonlyMap<string, readonly Place[]>;
}

interface Piece {
  readonly address: number;
  readonly length: number;
  readonly flags: number;
  /** Path in the artifact, and where in that file. */
  readonly source: string;
  readonly offset: number;
}

interface List {
  readonly name: string;
  readonly image: Buffer;
  readonly pagesId: number;
  readonly pieces: Piece[];
}

/** Of an artifact whose pages CRIU wrote: everything stays as it is. */
export const asTheyAre: Places = { images: new Map(), sizes: new Map(), of: new Map() };

/** Throws ArtifactInvalid where a page belongs to nothing. */
export function placesOf(images: Images, index: PagesIndex): Places {
  const lists = [...images].flatMap(([name, image]) => (isPagemap(name) ? [readList(name, image)] : []));
  addShards(index, locator(images), lists);
  const placed = new Map<string, (Place & { readonly offset: number })[]>();
  const sizes = new Map<string, number>();
  for (const list of lists) {
    const file = pagesFile(list.pagesId);
    let at = 0;
    for (const { source, offset, length } of inOrder(list)) {
      const places = placed.get(source) ?? [];
      placed.set(source, places);
      places.push({ file, at, length, offset });
      at += length;
    }
    sizes.set(file, at);
  }
  const of = new Map([...placed].map(([path, places]) => [path, fromBeginToEnd(path, places)]));
  return { images: changedImages(images, lists, index), sizes, of };
}

const isPagemap = (name: string): boolean => /^pagemap-(shmem-)?\d+\.img$/.test(name);
const inFolder = (name: string): string => `${artifactFile.images}/${name}`;
const pagesFile = (id: number): string => inFolder(`pages-${id}.img`);

function readList(name: string, image: Buffer): List {
  const [head, ...entries] = entriesOf(name, image);
  if (head === undefined) throw new TerminalError('ArtifactInvalid', `${name} is empty`);
  const { pages_id: pagesId } = decode('pagemap_head', name, head);
  const source = pagesFile(pagesId);
  let offset = 0;
  const pieces = entries.map((entry): Piece => {
    const { vaddr: address, nr_pages, compat_nr_pages, flags = 0 } = decode('pagemap_entry', name, entry);
    const length = (nr_pages || compat_nr_pages || 0) * PAGE_BYTES;
    const piece = { address, length, flags, source, offset };
    offset += length;
    return piece;
  });
  return { name, image, pagesId, pieces };
}

function addShards({ chunks, shards }: PagesIndex, locate: Locate, lists: readonly List[]): void {
  const byName = new Map(lists.map((list) => [list.name, list]));
  for (const chunk of chunks) {
    const source = shards[chunk.shard]?.path;
    if (source === undefined)
      throw new TerminalError('ArtifactInvalid', `pages/index.json has no shard ${chunk.shard}`);
    for (const { pagemap, offset, ...listed } of locateChunk(chunk, locate)) {
      const list = byName.get(pagemap);
      if (list === undefined)
        throw new TerminalError(
          'ArtifactInvalid',
          `pages/index.json has pages of ${pagemap}, which is missing`,
        );
      list.pieces.push({ ...listed, source, offset });
    }
  }
}

function* locateChunk({ pid, offset, extents }: PagesChunk, locate: Locate) {
  let at = offset;
  for (let i = 0; i + 1 < extents.length; i += 2)
    for (const listed of locate(pid, extents[i] ?? 0, extents[i + 1] ?? 0)) {
      yield { ...listed, offset: at };
      at += listed.length;
    }
}

/** As CRIU wants them, and no page twice. */
function inOrder({ name, pieces }: List): readonly Piece[] {
  pieces.sort((a, b) => a.address - b.address);
  pieces.forEach(({ address }, i) => {
    const before = pieces[i - 1];
    if (before !== undefined && before.address + before.length > address)
      throw new TerminalError('ArtifactInvalid', `${name} has memory at 0x${address.toString(16)} twice`);
  });
  return pieces;
}

/** Every byte of a file goes somewhere, and none of them to two places. */
function fromBeginToEnd(
  path: string,
  places: readonly (Place & { readonly offset: number })[],
): readonly Place[] {
  const ordered = [...places].sort((a, b) => a.offset - b.offset);
  const found: { file: string; at: number; length: number }[] = [];
  let end = 0;
  for (const { offset, file, at, length } of ordered) {
    if (offset !== end)
      throw new TerminalError('ArtifactInvalid', `of ${path} it is not told what lies at byte ${end}`);
    end += length;
    const last = found.at(-1);
    // Ranges without what lay between them in memory are one range of a file.
    if (last?.file === file && last.at + last.length === at) last.length += length;
    else found.push({ file, at, length });
  }
  return found;
}

function changedImages(
  images: Images,
  lists: readonly List[],
  { advised }: PagesIndex,
): ReadonlyMap<string, Buffer> {
  const pagemaps = lists.map((list) => [list.name, writeList(list)] as const);
  const changed = [...pagemaps, ...adviceOfBefore(images, advised)];
  return new Map(changed.map(([name, image]) => [inFolder(name), image]));
}

/** With the magic numbers that it had. The count is in both fields: CRIU before 4.2, and checkpointctl, know the older one alone. */
function writeList({ image, pagesId, pieces }: List): Buffer {
  const entries = pieces.map(({ address: vaddr, length, flags }) => {
    const pages = length / PAGE_BYTES;
    return ['pagemap_entry', { vaddr, compat_nr_pages: pages, flags, nr_pages: pages }] as const;
  });
  const [first, kind] = [image.readUInt32LE(0), image.readUInt32LE(4)];
  return encode([['pagemap_head', { pages_id: pagesId }], ...entries], kind, first);
}
