/**
 * Memory that only the driver reads, in its restore, is filled in while it does: the areas map a file of ours, which nobody sees a page of
 * before it was verified (docs/adr/0047).
 */
import { closeSync } from 'node:fs';
import { GATE_FILE } from '@dynamo-snapshot/api/gate';
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { PagesChunk, PagesIndex } from '@dynamo-snapshot/api/pages';
import { withFile } from '../criu/files';
import { mapRanges, readAreas } from '../criu/mm';
import { withoutLazy } from '../criu/pagemap';
import type { EngineIo } from '../engine-io';
import type { Extent } from '../linux/extent';
import { endOf, PAGE } from '../linux/extent';
import { hugeFile } from '../linux/huge-file';
import type { HostPid } from '../linux/ids';
import { guardedAreas, mapsOf } from '../linux/maps';
import type { Region } from '../linux/memory';
import { mapShared, release } from '../linux/memory';
import { canGuard, guard, openIfGuarded } from '../linux/userfault';
import { extentsOf } from '../memory/catalog';
import { CHUNK_BYTES } from '../memory/chunks';
import { Opening } from '../memory/opening';
import { Pace } from '../memory/pace';
import type { Checked } from '../restore/check';
import { imageOf, imagePath } from '../restore/images';
import { CriuSocket } from './criu-socket';
import type { GatedArea, GatePlan } from './plan';
import { planGate } from './plan';

/** Chunks at the addresses that they have in our own memory, and what they open. */
export interface GatedMemory {
  readonly chunks: readonly PagesChunk[];
  readonly opening: Opening;
  readonly pace: Pace;
}

/** What is filled in while the tree runs already. */
export interface Behind {
  /** When all of it is there. Rejects as a fill does. */
  readonly whole: Promise<void>;
  /** Whom it kept pace with has ended. */
  hurry(): void;
}

export class Gate {
  readonly #plan: GatePlan;
  readonly #region: Region;
  readonly #socket: CriuSocket;
  readonly #userfaults = new Map<number, number>();
  #memory: GatedMemory | undefined;
  #isClosed = false;
  /** To be handed to CRIU. */
  readonly fd: number;

  private constructor(plan: GatePlan, fd: number, work: string) {
    this.#plan = plan;
    this.fd = fd;
    this.#region = mapShared(fd, plan.fileBytes);
    this.#socket = new CriuSocket(work);
  }

  /** Undefined where there is nothing to gain, and where the kernel cannot: the memory is then filled in before the driver is asked. */
  static make(checked: Checked, work: string, { config, log }: EngineIo): Gate | undefined {
    const { manifest } = checked.artifact;
    const { index, content } = checked.verified;
    const wanted = manifest.cuda?.areas ?? [];
    if (!config.gpu.overlap || index === undefined || wanted.length === 0) return undefined;
    const plan = planGate(wanted, index, (pid) =>
      readAreas(`mm-${pid}.img`, imageOf(content, `mm-${pid}.img`)),
    );
    if (plan === undefined || !canGuard()) return undefined;
    try {
      return new Gate(plan, hugeFile(plan.fileBytes), work);
    } catch (error) {
      log.warn(`memory is filled in before the driver reads it: ${explain(error)}`);
      return undefined;
    }
  }

  /** CRIU's images with the areas as mappings of our file. `images` are those of this clone so far, by their path in the artifact. */
  edits(images: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
    const edited = new Map<string, Buffer>();
    let files = imageOf(images, FILES);
    for (const [pid, ranges] of Map.groupBy(this.#plan.areas, ({ pid: of }) => of)) {
      const name = `mm-${pid}.img`;
      // One of its own for each: CRIU takes areas of the same file at the same address for inherited from the parent.
      const { bytes, id } = withFile(FILES, files, GATE_FILE);
      files = bytes;
      edited.set(imagePath(name), mapRanges(name, imageOf(images, name), ranges, id));
    }
    edited.set(imagePath(FILES), files);
    for (const [path, bytes] of images) if (IS_PAGEMAP.test(path)) edited.set(path, withoutLazy(path, bytes));
    return edited;
  }

  /** Beside CRIU. */
  serve(): void {
    this.#socket.serve();
  }

  /** Known when it is shut. */
  get memory(): GatedMemory {
    if (this.#memory === undefined) throw new Error('the gate was never shut');
    return this.#memory;
  }

  /** For the log, in one line: there may be hundreds of areas. */
  get words(): string {
    const { areas } = this.#plan;
    const bytes = areas.reduce((sum, { start, end }) => sum + end - start, 0);
    const pids = new Set(areas.map(({ pid }) => pid));
    return `filled in while the driver read: ${bytes} bytes in ${areas.length} areas of processes ${[...pids].join(', ')}`;
  }

  /** What of the index must be there before the tree runs. */
  get rest(): readonly PagesChunk[] {
    return this.#plan.rest;
  }

  /**
   * After CRIU, while the tree stands still: who touches an area from now on waits; everything else is as without a gate. `hosts` has the
   * processes by their pid in their own namespace. Throws RestoreUnproven unless it is so.
   */
  async shut(hosts: ReadonlyMap<number, HostPid>): Promise<void> {
    const handed = await this.#socket.end();
    for (const [pid, uffd] of handed) {
      const areas = this.#plan.areas.filter((area) => area.pid === pid);
      const host = hosts.get(pid);
      if (areas.length === 0 || host === undefined) closeSync(uffd);
      else {
        this.#userfaults.set(pid, uffd);
        shutOnly(uffd, host, areas);
      }
    }
    const rows = this.#plan.gated.map(({ area, opens }) => ({ uffd: this.#userfaultOf(area), ...opens }));
    const chunks = this.#plan.gated.map(({ chunk, area }) => this.#here(chunk, area));
    const pace = this.#plan.gated.map(({ chunk, area }) => ({
      host: hosts.get(area.pid) ?? 0,
      address: lastPageOf(chunk),
    }));
    this.#memory = {
      chunks,
      opening: Opening.of(rows),
      pace: Pace.of(pace, [...this.#userfaults.values()], AHEAD_BYTES / CHUNK_BYTES),
    };
  }

  #userfaultOf({ pid }: GatedArea): number {
    const uffd = this.#userfaults.get(pid);
    if (uffd === undefined)
      throw new TerminalError('RestoreUnproven', `CRIU handed over no userfaultfd of process ${pid}`);
    return uffd;
  }

  #here(chunk: PagesChunk, area: GatedArea): PagesChunk {
    const by = this.#region.address + area.offset - area.start;
    return { ...chunk, extents: extentsOf(chunk).flatMap(({ address, length }) => [address + by, length]) };
  }

  /**
   * When all of it is there: with its descriptor a gate falls, and nobody waits any more. That is also who unmaps an area without having read all of
   * it, or forks: CRIU has asked for such events too, and the kernel keeps whoever causes one until it was read.
   */
  fall(): void {
    for (const uffd of this.#userfaults.values()) closeSync(uffd);
    this.#userfaults.clear();
  }

  /** When nobody fills in any more. Our mapping would keep the memory that the driver gives back. May be done again. */
  close(): void {
    this.fall();
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.fd);
    release(this.#region);
  }
}

const lastPageOf = (chunk: PagesChunk): number => Math.max(...extentsOf(chunk).map(endOf)) - PAGE;

/**
 * How far the fill keeps ahead of the driver: so much stays in the processors' caches until the driver reads it. On an H200 with 16 processors 64 MiB
 * were a fifth faster than 128 MiB, which was as slow as no limit; on another one 48 MiB were no slower than 80 (docs/benchmarks.md).
 */
const AHEAD_BYTES = 48 << 20;

const FILES = 'files.img';
const IS_PAGEMAP = new RegExp(`^${artifactFile.images}/pagemap-\\d+\\.img$`);

/** CRIU has every area of private memory guarded, as for a page server. */
function shutOnly(uffd: number, pid: HostPid, areas: readonly GatedArea[]): void {
  for (const { start, end } of mapsOf(pid)) openIfGuarded(uffd, { address: start, length: end - start });
  for (const area of areas) guard(uffd, extentOf(area));
  const guarded = joined(guardedAreas(pid));
  const wanted = joined(areas.map(extentOf));
  if (JSON.stringify(guarded) !== JSON.stringify(wanted))
    throw new TerminalError(
      'RestoreUnproven',
      `of process ${pid} ${JSON.stringify(guarded)} waits for its memory, not ${JSON.stringify(wanted)}`,
    );
}

const extentOf = ({ start, end }: GatedArea): Extent => ({ address: start, length: end - start });

/** In order, neighbours as one. */
function joined(extents: readonly Extent[]): readonly Extent[] {
  const all: { address: number; length: number }[] = [];
  for (const { address, length } of [...extents].sort((a, b) => a.address - b.address)) {
    const last = all.at(-1);
    if (last !== undefined && last.address + last.length === address) last.length += length;
    else all.push({ address, length });
  }
  return all;
}

/** The index without what is behind a gate. */
export const before = (index: PagesIndex, gate: Gate | undefined): PagesIndex =>
  gate === undefined ? index : { ...index, chunks: [...gate.rest] };

/** What of the images differs for a clone, with what a gate changes of them. */
export const behind = (
  gate: Gate | undefined,
  { verified: { content } }: Checked,
  edits: ReadonlyMap<string, Buffer>,
): ReadonlyMap<string, Buffer> =>
  gate === undefined ? edits : new Map([...edits, ...gate.edits(new Map([...content, ...edits]))]);
