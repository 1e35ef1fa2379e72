/** Packs everything that the bench needs on a machine with nothing but an NVIDIA driver into dist/bench-gpu. */
import { base, runPack } from './base';
import { buildPrograms } from './programs';

runPack({
  out: 'dist/bench-gpu',
  mostBytes: 60e6,
  scripts: ['bench/gpu/run.sh'],
  parts: [base(), { name: 'bench', fill: buildPrograms }],
});
