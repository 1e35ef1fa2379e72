/**
 * CRIU finds out what the kernel can do before it does anything, among others by a TCP connection to itself, and keeps what it has found in
 * /run/criu.kdat where that is a memory file system, as the chart gives it to the agent (criu: kerndat.c, kerndat_save_cache). An operation that
 * outlives the pod of its agent has no network any more: its connection would hang until its deadline. So this is done when the agent
 * starts; every operation is faster for it, too.
 */
import { explain } from '@dynamo-snapshot/api/errors';
import type { Log } from '@dynamo-snapshot/controller/log';
import type { EngineConfig } from '../config';
import { command } from '../linux/command';
import { criuProgram } from './program';

const LIMIT_MS = 30_000;

/** Whatever goes wrong here is told, and each operation finds out for itself. */
export async function learnKernel(
  { criu, rlimitShim }: Pick<EngineConfig, 'criu' | 'rlimitShim'>,
  log: Log,
): Promise<void> {
  try {
    const { path, env } = await criuProgram(criu, rlimitShim);
    const { code, stdout, stderr } = await command([path, 'check'], { env, deadlineMs: LIMIT_MS });
    const said = (stderr || stdout).trim().split('\n').pop() ?? '';
    if (code !== 0) log.warn(`criu check: exit ${code}: ${said}`);
  } catch (error) {
    log.warn(`criu check: ${explain(error)}`);
  }
}
