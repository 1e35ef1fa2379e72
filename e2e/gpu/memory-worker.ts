/** The worker that sums up its memory, the GPU's or its own, and writes each round into a volume. */
import { join } from 'node:path';
import type { Worker } from '../../bench/gpu/worker';
import { hostParts } from './driver';
import type { Place } from './place';
import type { Pod } from './pod';
import type { Workload } from './workload';
import { asThere } from './workload';

const DATA = { name: 'data', path: '/data' } as const;
const ROUNDS = 'rounds';

export function memoryWorker({ gpu, gibibytes }: Place): Workload {
  const { mounts, devices, env } = hostParts(gpu);
  return {
    command: ['/worker', String(gibibytes), join(DATA.path, ROUNDS)],
    env,
    mounts: mounts.map(asThere),
    devices,
    volumes: [DATA],
  };
}

/** Where the host sees its rounds. */
export const roundsOf = (pod: Pod): Pick<Worker, 'file'> => ({
  file: join(pod.folder(DATA.name), ROUNDS),
});
