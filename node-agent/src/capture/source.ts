/** The source as a dump sees it: brought to rest and its GPU work stopped before; given back and woken as soon as it is dumped. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { frozenSeconds } from '../criu/stats';
import type { Cuda } from '../cuda/client';
import type { StoppedCuda } from '../cuda/stop';
import { cudaReady, cudaStop } from '../cuda/stop';
import type { CaptureRequest } from '../engine';
import type { EngineIo } from '../engine-io';
import type { DriverArea } from '../gate/plan';
import { cudaTree, driverAreas } from '../gpu/manifest';
import type { Source } from './memory';
import type { Seen } from './observe';
import { toRest, wakeUp } from './quiesce';

export interface StoppableSource extends Source {
  /** Seconds that it stood still; known when it runs again. */
  readonly paused: number;
  /** What the driver had mapped for what was on the GPUs, by the processes' pids in their own namespace; known when it runs again. */
  readonly areas: readonly DriverArea[];
}

/** `images` is where CRIU leaves its statistics. */
export function stoppable(
  request: CaptureRequest,
  seen: Seen,
  images: string,
  io: EngineIo,
): StoppableSource {
  let gpu: StoppedCuda | undefined;
  let cuda: Cuda | undefined;
  let paused = 0;
  let areas: readonly DriverArea[] = [];
  return {
    ready: async () => {
      cuda = await cudaReady(cudaTree(seen.gpu), io);
    },
    stop: async (threads) => {
      if (gpu !== undefined) return;
      await toRest(request, seen, io);
      gpu = await cudaStop(cudaTree(seen.gpu), io, { threads, cuda });
      io.willUndo({ do: 'continue', processes: seen.processes.map((p) => p.ref) });
      io.willUndo({ do: 'thaw', freezer: seen.groups.freezer });
    },
    resume: async () => {
      const withoutGpu = (await gpu?.resume()) ?? 0;
      areas = driverAreas(gpu?.areas ?? []);
      gpu = undefined;
      await wakeUp(request, seen, io);
      // On the store, which may not answer: last.
      paused = Math.max(frozenSeconds(readFileSync(join(images, 'stats-dump'))) ?? 0, withoutGpu);
      io.steps.note('paused', paused);
    },
    spentSeconds: () => gpu?.spentSeconds() ?? 0,
    get areas() {
      return areas;
    },
    get paused() {
      return paused;
    },
  };
}
