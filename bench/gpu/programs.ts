/** The bench's own programs, into the folder that run.sh works from. */
import { copyFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bundle, compile, copyHash } from './base';

export async function buildPrograms(home: string): Promise<void> {
  const entryPoints = {
    bench: 'bench/gpu/main.ts',
    engine: 'node-agent/src/engine-main.ts',
    'memory-worker': 'node-agent/src/memory/worker.ts',
  };
  await bundle(entryPoints, home);
  for (const name of ['worker', 'limits']) compile(`bench/gpu/${name}.c`, join(home, name));
  copyHash(home);
  for (const file of ['llm.py', 'vllm/model.py', 'vllm/no_io_uring.py'])
    copyFileSync(join('bench/gpu', file), join(home, basename(file)));
}
