/** On a machine without a GPU: what the worker and the engine have in place of one. libcuda.c says what its driver does. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostParts } from './driver';
import { hostParts } from './driver';
import type { Place } from './place';
import { programOf } from './place';

/** In the pack. */
export const STAND_IN = 'stand-in';
export const standInLibrary = { cuda: 'libcuda.so.1', nvml: 'libnvidia-ml.so.1' } as const;

/** Of the scratch: what libnvml.c reads, a setting of huge pages that is not the node's, and the device node. */
const folderOf = ({ work }: Place): string => join(work, STAND_IN);
const file = { hugePages: 'transparent_hugepage', device: 'nvidia0' } as const;

/** Of all GPUs of NVIDIA's (Linux: devices.txt). Nothing opens the node. */
const MAJOR = '195';
const DRIVER = '580.0';
const UUID = 'GPU-00000000-0000-4000-8000-000000000000';
/** Of a process on a GPU, beside what it has asked for. */
const OVERHEAD_BYTES = 64 << 20;

/** What the host gives to the worker's containers; a stand-in is made for that. */
export function partsOf(place: Place): HostParts {
  if (!place.standIn) return hostParts(place.gpu);
  makeStandIn(place);
  const { mounts } = hostParts(false);
  const libraries = programOf(place, STAND_IN);
  return {
    mounts: [...mounts, libraries],
    devices: [{ host: join(folderOf(place), file.device), path: `/dev/${file.device}` }],
    env: { LD_LIBRARY_PATH: libraries },
  };
}

/** For the engine, which is told where the driver's libraries are. */
export function engineEnvironment(place: Place): Readonly<Record<string, string>> {
  if (!place.standIn) return {};
  return {
    SNAPSHOT_LIBCUDA: join(programOf(place, STAND_IN), standInLibrary.cuda),
    SNAPSHOT_NVML: join(programOf(place, STAND_IN), standInLibrary.nvml),
    SNAPSHOT_HUGE_PAGES_SETTING: join(folderOf(place), file.hugePages),
    FAKE_NVML: folderOf(place),
  };
}

/** The driver reads what it has mapped from its end. */
export const LAST_FIRST = { FAKE_CUDA_LAST_FIRST: '1' } as const;

function makeStandIn(place: Place): void {
  const folder = folderOf(place);
  mkdirSync(folder, { recursive: true });
  const used = Math.ceil(place.gibibytes * 2 ** 30) + OVERHEAD_BYTES;
  const [total, free] = [8 * used, 7 * used];
  writeFileSync(join(folder, 'driver'), DRIVER);
  writeFileSync(join(folder, 'devices'), `${UUID}|stand-in|0|${total}|${free}|-1\n`);
  writeFileSync(join(folder, file.hugePages), 'always [madvise] never\n');
  execFileSync('mknod', [join(folder, file.device), 'c', MAJOR, '0']);
}
