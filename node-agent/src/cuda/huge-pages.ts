/**
 * The driver's checkpoint writes GPU memory into host memory that it maps in that very call. With huge pages this takes half the time
 * (24 GB: 15.8 s, 8.1 s), but only the node's own setting reaches it. So the setting is `always` for that call, for one operation at a
 * time on a node, and is put back under the journal (docs/adr/0022).
 */
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explain } from '@dynamo-snapshot/api/errors';
import type { EngineIo } from '../engine-io';
import type { ProcessRef } from '../linux/ids';
import { isAlive, processRef } from '../linux/proc';

/** Who changed the setting; the file says from what, and there is one on a node. */
export interface Claim {
  readonly file: string;
  readonly setting: string;
  readonly holder: ProcessRef;
}

interface ClaimFile {
  readonly was: string;
  readonly holder: ProcessRef;
}

/** Goes on without huge pages where another operation has them, where the node has them anyway, and where they cannot be had. */
export async function withHugePages<T>(io: EngineIo, work: () => Promise<T>): Promise<T> {
  const claim = io.config.gpu.hugePages ? claimHugePages(io) : undefined;
  try {
    return await work();
  } finally {
    if (claim !== undefined) putBack(claim);
  }
}

function claimHugePages(io: EngineIo): Claim | undefined {
  const holder = processRef(process.pid);
  const { hugePagesSetting: setting } = io.config.gpu;
  if (holder === undefined) return undefined;
  const claim: Claim = { file: join(io.config.work, 'huge-pages.json'), setting, holder };
  try {
    takeOver(claim);
    const was = chosen(readFileSync(setting, 'utf8'));
    if (was === 'always') return undefined;
    io.willUndo({ do: 'hugePages', claim });
    if (!create(claim, was)) return undefined;
    writeFileSync(setting, 'always');
    return claim;
  } catch (error) {
    io.log.warn(`huge pages for the driver: ${explain(error)}`);
    putBack(claim);
    return undefined;
  }
}

/** The chosen word stands in brackets (kernel: admin-guide/mm/transhuge). */
const chosen = (text: string): string => /\[(\w+)\]/.exec(text)?.[1] ?? text.trim();

/** Whole or not at all; false where there is one. */
function create({ file, holder }: Claim, was: string): boolean {
  const part = `${file}.${holder.pid}`;
  writeFileSync(part, JSON.stringify({ was, holder } satisfies ClaimFile), { mode: 0o600, flush: true });
  try {
    linkSync(part, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(part, { force: true });
  }
}

/** What a dead holder left is put back by whoever comes next, if its own journal has not done so yet. */
function takeOver(mine: Claim): void {
  const found = read(mine.file);
  if (found !== undefined && !isAlive(found.holder)) putBack({ ...mine, holder: found.holder });
}

/** Only what this holder changed, and only while nobody else has changed it since. May be repeated. */
export function putBack({ file, setting, holder }: Claim): void {
  const found = read(file);
  if (found === undefined || !same(found.holder, holder)) return;
  // The claim goes last: whoever ends in between leaves it to the next. Two that do it at once do the same.
  if (chosen(readFileSync(setting, 'utf8')) === 'always') writeFileSync(setting, found.was);
  const now = read(file);
  if (now !== undefined && same(now.holder, holder)) rmSync(file, { force: true });
}

const same = (a: ProcessRef, b: ProcessRef): boolean => a.pid === b.pid && a.startTime === b.startTime;

/** Undefined where there is none, or where it cannot be read: then nobody knows from what to what, and the call goes on without huge pages. */
function read(file: string): ClaimFile | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ClaimFile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
