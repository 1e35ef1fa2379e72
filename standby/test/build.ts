/** Compiles standby as the images do, with musl (Dockerfile.agent); with glibc on a machine that lacks musl-tools. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';

const hasMusl = (): boolean => spawnSync('musl-gcc', ['-dumpversion']).status === 0;

export function buildStandby(program: string): void {
  const options = ['-static', '-Os', '-s', '-Wall', '-Wextra', '-Werror'];
  const source = join(__dirname, '../standby.c');
  execFileSync(hasMusl() ? 'musl-gcc' : 'gcc', [...options, '-o', program, source]);
}
