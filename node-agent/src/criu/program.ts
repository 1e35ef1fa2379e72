/** CRIU as it is installed, and what this host lacks for it. */
import { readFileSync } from 'node:fs';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { command } from '../linux/command';

/** capabilities(7) */
const CAP_SYS_RESOURCE = 24n;

/** How it is called here. */
export interface CriuCall {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface CriuProgram extends CriuCall {
  readonly version: string;
}

/** Nothing is run: a restore has no time for it, and says itself what is wrong with the program. */
export function criuCall(path: string, shim: string): CriuCall {
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const may = (BigInt(`0x${capabilities}`) >> CAP_SYS_RESOURCE) & 1n;
  return withPreload({ path, env: {} }, may === 1n ? [] : [shim]);
}

export async function criuProgram(path: string, shim: string): Promise<CriuProgram> {
  const { code, stdout, stderr } = await command([path, '--version'], { deadlineMs: 10_000 });
  const version = /Version: (\S+)/.exec(stdout)?.[1];
  if (code !== 0 || version === undefined)
    throw new TerminalError(
      'CriuUnusable',
      `${path} --version: exit ${code}: ${stderr.trim() || stdout.trim()}`,
    );
  return { ...criuCall(path, shim), version };
}

/** The wrapper in the image hands this to CRIU's loader. */
const PRELOAD = 'SNAPSHOT_RLIMIT_PRELOAD';

export function withPreload(program: CriuCall, more: readonly string[]): CriuCall {
  const all = [program.env[PRELOAD] ?? '', ...more].filter((library) => library !== '');
  return all.length === 0 ? program : { ...program, env: { ...program.env, [PRELOAD]: all.join(':') } };
}
