/** The worker that sums up its GPU's memory, and writes each round into a volume. */
import { join } from 'node:path';
import type { Worker } from '../../bench/gpu/worker';
import type { Place } from './place';
import type { Pod } from './pod';
import { partsOf } from './stand-in';
import type { Workload } from './workload';
import { asThere } from './workload';

const DATA = { name: 'data', path: '/data' } as const;
const ROUNDS = 'rounds';

export function memoryWorker(place: Place): Workload {
  const { mounts, devices, env } = partsOf(place);
  return {
    command: ['/worker', String(place.gibibytes), join(DATA.path, ROUNDS)],
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
