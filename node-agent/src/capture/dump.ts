/** Runs CRIU's dump; while the tree is frozen, its action script hands over to `whileFrozen` and waits for the answer. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import type { DumpJob } from '../criu/args';
import { dumpArgs } from '../criu/args';
import { errorLines } from '../criu/log';
import type { CriuProgram } from '../criu/program';
import type { EngineIo } from '../engine-io';
import { remainingMs } from '../engine-io';
import { command } from '../linux/command';

/**
 * CRIU runs this at every stage (criu(8), --action-script). At post-dump the tree is still frozen and every name that CRIU linked
 * is there; a script that fails makes CRIU fail the dump and let the tree go on. It gives up when the engine is gone.
 */
const SCRIPT = `#!/bin/sh
[ "$CRTOOLS_SCRIPT_ACTION" = post-dump ] || exit 0
: > "$SNAPSHOT_HOOK/request"
while [ ! -e "$SNAPSHOT_HOOK/answer" ]; do
  kill -0 "$SNAPSHOT_ENGINE" 2>/dev/null || exit 1
  sleep 0.005
done
read -r answer < "$SNAPSHOT_HOOK/answer"
[ "$answer" = ok ]
`;

export interface DumpPlan extends Omit<DumpJob, 'criu' | 'actionScript'> {
  readonly program: CriuProgram;
  readonly hookDir: string;
}

/** Throws DumpFailed with CRIU's own words; the source runs on in every case. */
export async function dump(plan: DumpPlan, io: EngineIo, whileFrozen: () => Promise<void>): Promise<void> {
  const actionScript = prepareHook(plan.hookDir);
  const hook = answerHook(plan.hookDir, whileFrozen);
  try {
    const argv = dumpArgs({ ...plan, criu: plan.program.path, actionScript });
    const env = {
      PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
      SNAPSHOT_HOOK: plan.hookDir,
      SNAPSHOT_ENGINE: String(process.pid),
      ...plan.program.env,
    };
    const { code, stderr } = await command(argv, { deadlineMs: remainingMs(io), env });
    if (hook.failure !== undefined) throw hook.failure;
    if (code !== 0)
      throw new TerminalError('DumpFailed', `criu dump: exit ${code}: ${why(plan.images, stderr)}`);
  } finally {
    hook.close();
    rmSync(plan.hookDir, { recursive: true, force: true });
  }
}

function prepareHook(dir: string): string {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const script = join(dir, 'action');
  writeFileSync(script, SCRIPT, { mode: 0o700 });
  return script;
}

interface Hook {
  failure?: unknown;
  close(): void;
}

function answerHook(dir: string, whileFrozen: () => Promise<void>): Hook {
  let asked = false;
  const answer = async (hook: Hook) => {
    if (asked || !existsSync(join(dir, 'request'))) return;
    asked = true;
    try {
      await whileFrozen();
      say(dir, 'ok');
    } catch (error) {
      hook.failure = error;
      say(dir, `failed: ${explain(error)}`);
    }
  };
  const watcher = watch(dir, () => void answer(hook).catch((error: unknown) => (hook.failure ??= error)));
  const hook: Hook = { close: () => watcher.close() };
  return hook;
}

/** As a whole or not at all. CRIU may have ended meanwhile, and the folder with it. */
function say(dir: string, answer: string): void {
  if (!existsSync(dir)) return;
  writeFileSync(join(dir, 'answer.tmp'), `${answer}\n`);
  renameSync(join(dir, 'answer.tmp'), join(dir, 'answer'));
}

function why(images: string, stderr: string): string {
  const log = join(images, 'dump.log');
  const lines = existsSync(log) ? errorLines(readFileSync(log, 'utf8')) : [];
  return lines.join('; ') || stderr.trim().slice(-500) || 'it left no log';
}
