/** Packs vLLM for the bench into dist/bench-gpu-vllm, in pieces: what a machine is sent has a limit, and the bench itself needs most of one. */
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runPack } from '../base';
import { fillVllm, REQUIREMENTS } from './tree';

const PIECE_BYTES = 58e6;

/** vllm.a, vllm.b, …, and what each must be. */
function cut(out: string): void {
  const archive = join(out, 'vllm.tar.xz');
  const bytes = readFileSync(archive);
  const sums: string[] = [];
  for (let from = 0, i = 0; from < bytes.length; from += PIECE_BYTES, i++) {
    const name = `vllm.${String.fromCharCode('a'.charCodeAt(0) + i)}`;
    const piece = bytes.subarray(from, from + PIECE_BYTES);
    writeFileSync(join(out, name), piece);
    sums.push(`${createHash('sha256').update(piece).digest('hex')}  ${name}\n`);
  }
  writeFileSync(join(out, 'SHA256SUMS'), sums.join(''));
  rmSync(archive);
}

/** What goes in, and how it is made smaller. */
const key = (): string =>
  [REQUIREMENTS, 'bench/gpu/vllm/tree.ts', 'bench/gpu/vllm/fatbin.ts']
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');

runPack({
  out: 'dist/bench-gpu-vllm',
  mostBytes: 2 * PIECE_BYTES,
  scripts: ['bench/gpu/vllm/unpack.sh'],
  parts: [{ name: 'vllm', key: key(), fill: fillVllm }],
  finish: cut,
});
