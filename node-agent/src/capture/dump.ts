/** Runs CRIU's dump; while the tree is frozen, its action script hands over to `whileFrozen` and waits for the answer. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { DumpJob } from '../criu/args';
import { dumpArgs } from '../criu/args';
import { DumpHook } from '../criu/hook';
import { errorLines } from '../criu/log';
import type { CriuProgram } from '../criu/program';
import type { EngineIo } from '../engine-io';
import { remainingMs, unlessStopped } from '../engine-io';
import { command } from '../linux/command';
import { inode } from '../linux/proc';
import { standStill } from './stand-still';

export interface DumpPlan extends Omit<DumpJob, 'criu' | 'actionScript'> {
  readonly program: CriuProgram;
  readonly hookDir: string;
  /** Until the kubelet kills a source that stands still; absent = never. */
  readonly budgetSeconds?: number;
  /** What else of that is used up, before the dump and after it; absent = nothing. */
  readonly spentSeconds?: number;
}

/**
 * Throws DumpFailed with CRIU's own words, and StoodStillTooLong where no time is left for it, or was not enough; the source runs on in every case. No
 * deadline ends CRIU: it is asked to let go, and waited for.
 */
export async function dump(plan: DumpPlan, io: EngineIo, whileFrozen: () => Promise<void>): Promise<void> {
  const { seconds, ...why } = standStill({ ...plan, remainingSeconds: remainingMs(io) / 1000 });
  const tooLong = () => new TerminalError(why.reason, why.message);
  if (seconds <= 0) throw tooLong();
  io.willUndo({ do: 'endDump', hook: plan.hookDir });
  const hook = new DumpHook(plan.hookDir, { tells: plan.netInode !== inode('/proc/self/ns/net'), seconds });
  const close = hook.open(() => unlessStopped(io.signal, whileFrozen), io.signal);
  try {
    const argv = dumpArgs({ ...plan, criu: plan.program.path, actionScript: hook.script });
    const path = process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin';
    const env = { PATH: path, ...hook.env(), ...plan.program.env };
    const { code, stderr } = await command(argv, { env, signal: hook.killable });
    if (hook.failure !== undefined) throw hook.failure;
    if (hook.late) throw tooLong();
    // What CRIU says lies on the store, and nobody asks for it any more where the dump was to stop.
    if (code !== 0) io.signal.throwIfAborted();
    if (code !== 0)
      throw new TerminalError('DumpFailed', `criu dump: exit ${code}: ${ownWords(plan.images, stderr)}`);
  } finally {
    close();
  }
}

function ownWords(images: string, stderr: string): string {
  const log = join(images, 'dump.log');
  const lines = existsSync(log) ? errorLines(readFileSync(log, 'utf8')) : [];
  return lines.join('; ') || stderr.trim().slice(-500) || 'it left no log';
}
