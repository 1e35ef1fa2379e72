/** The bench's own programs, into the folder that run.sh works from. */
import { copyFileSync, cpSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { compile } from './base';

export async function buildPrograms(home: string): Promise<void> {
  await build({
    entryPoints: {
      bench: 'bench/gpu/main.ts',
      engine: 'node-agent/src/engine-main.ts',
      'memory-worker': 'node-agent/src/memory/worker.ts',
    },
    outdir: home,
    outExtension: { '.js': '.cjs' },
    minifySyntax: true,
    minifyWhitespace: true,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    external: ['koffi', '@napi-rs/blake-hash'],
    logLevel: 'warning',
  });
  for (const name of ['worker', 'limits']) compile(`bench/gpu/${name}.c`, join(home, name));
  // Newer than what the base may hold, and small.
  for (const name of ['blake-hash', 'blake-hash-linux-x64-gnu'])
    cpSync(`node_modules/@napi-rs/${name}`, join(home, 'node_modules/@napi-rs', name), { recursive: true });
  for (const file of ['llm.py', 'vllm/model.py', 'vllm/no_io_uring.py'])
    copyFileSync(join('bench/gpu', file), join(home, basename(file)));
}
