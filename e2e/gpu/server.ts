/** A server of `vllm serve` as a pod has it that admission has prepared: the profile of its backend, shared memory, and no io_uring. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BackendProfile } from '@dynamo-snapshot/api/backends';
import { backendOf } from '@dynamo-snapshot/api/backends';
import type { Address } from '../../bench/gpu/vllm/ask';
import { serveCommand, serveEnvironment, siteOf, vllmOf } from '../../bench/gpu/vllm/command';
import { folderOf } from '../../bench/gpu/vllm/model';
import { hostParts } from './driver';
import type { Place, VllmPlace } from './place';
import { programOf } from './place';
import type { Pod } from './pod';
import { heeded, hostPython, outermost } from './python';
import type { HostMount, Workload } from './workload';
import { asThere, mountMemory } from './workload';

const PORT = 8000;
/** In the container. */
const at = {
  vllm: '/vllm',
  models: '/models',
  cache: '/cache',
  standIn: '/stand-in/server.py',
  sharedMemory: '/dev/shm',
} as const;
const SHARED_MEMORY = '8g';
const CACHE = '16g';

export interface Server {
  readonly workload: Workload;
  readonly profile: BackendProfile;
  readonly modelFolder: string;
  /** What a first start compiles, and a later one finds: a volume that all pods have. */
  readonly cache: string;
}

export const addressOf = (pod: Pod): Address => ({ host: pod.address, port: PORT });

export function serverOf(place: Place, vllm: VllmPlace): Server {
  const backend = backendOf('vllm');
  if ('refused' in backend) throw new Error(backend.refused);
  const { profile } = backend;
  const { executable, folders } = hostPython();
  const host = hostParts(place.gpu);
  const [models, cache] = [join(place.work, 'models'), join(place.work, 'cache')];
  mkdirSync(models, { recursive: true });
  // Not in the scratch itself, whose huge pages are more than most of its files need.
  mountMemory(cache, CACHE);
  const ours: readonly HostMount[] = [
    { host: models, path: at.models },
    { host: cache, path: at.cache, writable: true },
    place.gpu
      ? { host: vllm.folder, path: at.vllm }
      : { host: programOf(place, 'fake_server.py'), path: at.standIn },
  ];
  const listen = { host: '0.0.0.0', port: PORT };
  const program = place.gpu ? vllmOf(executable) : [executable, at.standIn];
  const { model } = vllm;
  return {
    workload: {
      command: serveCommand({ program, model, modelFolder: folderOf(at.models, model), listen }),
      env: {
        ...heeded(process.env),
        HOME: '/root',
        ...profile.environment,
        ...serveEnvironment(siteOf(at.vllm), at.cache),
      },
      mounts: [...outermost([...host.mounts, ...folders]).map(asThere), ...ours],
      devices: host.devices,
      volumes: [{ name: 'shared-memory', path: at.sharedMemory, memory: SHARED_MEMORY }],
      seccompProfile: programOf(place, 'block-iouring.json'),
    },
    profile,
    modelFolder: folderOf(models, model),
    cache,
  };
}
