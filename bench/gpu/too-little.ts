/** A restore that would not fit onto the GPU is refused with both numbers, before any process exists. */
import { join } from 'node:path';
import { restoreReasons } from '@dynamo-snapshot/node-agent/gpu/decide';
import { cudaPart } from '@dynamo-snapshot/node-agent/gpu/manifest';
import { observeGpu } from '@dynamo-snapshot/node-agent/gpu/observe';
import { gpusHere } from '@dynamo-snapshot/node-agent/gpu/return';
import { openPaths } from '@dynamo-snapshot/node-agent/linux/proc';
import type { Place } from './place';
import { benchIo } from './place';
import { say } from './say';
import { endWorker, startWorker } from './worker';

const GIGABYTES = 8;
/** Of what is left for it. */
const HOG_LEAVES_GIB = 4;

export async function tooLittle(place: Place): Promise<unknown> {
  const { gpu } = place.config;
  const io = benchIo(place, 60_000);
  const worker = await startWorker(place, 'small', [join(place.home, 'worker'), String(GIGABYTES)], 60_000);
  const { ref } = worker;
  const seen = await observeGpu(
    [{ ref, name: 'worker', openPaths: openPaths(ref.pid) }],
    { pid: ref.pid },
    gpu,
  );
  const { cuda } = cudaPart(seen, []);
  await endWorker(worker);
  const free = await gpusHere(cuda, { pid: process.pid }, io);
  const allowed = restoreReasons(cuda, free, false);
  const bytes = Math.min(...(free?.devices.map((d) => d.freeBytes) ?? [0]));
  const hog = await startWorker(
    place,
    'hog',
    [join(place.home, 'worker'), String(Math.floor(bytes / 2 ** 30) - HOG_LEAVES_GIB)],
    60_000,
  );
  const refused = restoreReasons(cuda, await gpusHere(cuda, { pid: process.pid }, io), false);
  await endWorker(hog);
  say('too little', `with room: ${JSON.stringify(allowed)}; without: ${JSON.stringify(refused)}`);
  return { needed: cuda, allowed, refused };
}
