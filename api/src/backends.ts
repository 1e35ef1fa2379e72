/**
 * What each engine needs in order to be captured, as data: one profile an engine. A profile only fills in what a person has not
 * written (docs/adr/0042). Each has a page in docs/engines; docs/reference/backends.md is made of this file.
 */
import type { Hook } from './hooks';
import type { TcpPolicy } from './schema';

export const backendNames = ['vllm', 'sglang', 'trtllm', 'generic'] as const;
export type BackendName = (typeof backendNames)[number];

export interface BackendProfile {
  /** Of the container that is captured. */
  readonly environment: Readonly<Record<string, string>>;
  /** Size of a tmpfs at /dev/shm; absent: as the runtime makes it (64 MB). */
  readonly sharedMemory?: string;
  /** Where it serves; a container that lists one port alone may say another. */
  readonly port?: number;
  /** Asked with GET by a container that has no readiness probe: it would be captured while it loads. */
  readonly readinessPath?: string;
  readonly hooks?: BackendHooks;
  readonly tcp?: TcpPolicy;
  /** As `spec.capture.excludePaths`. */
  readonly excludePaths?: readonly string[];
  readonly limits: readonly string[];
}

/** Requests, by POST, for a checkpoint without `spec.quiesce`. */
export interface BackendHooks {
  /** Only a container with this in its environment has such paths, or its owner wants them asked. */
  readonly onlyWith: { readonly name: string; readonly value: string };
  readonly beforeCapture: readonly string[];
  readonly afterRestore: readonly string[];
}

/** What was downloaded has been loaded, and is many times as big as the rest of the layer. */
const withoutDownloads = ['.cache/huggingface'] as const;
/** libuv takes io_uring where it finds it, and CRIU cannot dump one. Newer ones ask nobody; the seccomp profile denies it to all. */
const withoutIoUring = { UV_USE_IO_URING: '0' } as const;
/** Ranks in one pod find each other on the loopback, which is the same in every clone. */
const onLoopback = { GLOO_SOCKET_IFNAME: 'lo', NCCL_SOCKET_IFNAME: 'lo' } as const;

const vllm: BackendProfile = {
  environment: {
    ...withoutIoUring,
    ...onLoopback,
    VLLM_HOST_IP: '127.0.0.1',
    VLLM_NO_USAGE_STATS: '1',
  },
  sharedMemory: '8Gi',
  port: 8000,
  readinessPath: '/health',
  hooks: {
    onlyWith: { name: 'VLLM_SERVER_DEV_MODE', value: '1' },
    // The requests that are on their way are finished, new ones wait; what was cached for them stays.
    beforeCapture: ['/pause?mode=wait&clear_cache=false'],
    afterRestore: ['/resume'],
  },
  tcp: 'keep-local',
  excludePaths: withoutDownloads,
  limits: [
    'One pod holds the whole engine: ranks in other pods are not captured.',
    'CPU affinity and NUMA policy of its threads are not restored; a fixed cpuset is.',
    'head_dim below 64 fails in the engine itself, with or without a snapshot.',
  ],
};

const sglang: BackendProfile = {
  environment: { ...withoutIoUring, ...onLoopback },
  sharedMemory: '8Gi',
  port: 30000,
  readinessPath: '/health',
  tcp: 'keep-local',
  excludePaths: withoutDownloads,
  limits: [
    'Not tried with a running engine: its kernels need a GPU. What is made of its pod is held by golden tests.',
    'No hooks: /pause_generation wants a body, which HTTP hooks have not; an exec hook can send one (docs/engines/sglang.md).',
    'One pod holds the whole engine: ranks in other pods are not captured.',
  ],
};

const generic: BackendProfile = {
  environment: withoutIoUring,
  limits: [
    'Nothing is known of it: readiness, shared memory and hooks are what the pod and spec.quiesce say.',
  ],
};

export type Backend =
  | { readonly name: BackendName; readonly profile: BackendProfile }
  | { readonly name: BackendName; readonly refused: string };

const backends: Readonly<Record<BackendName, Backend>> = {
  vllm: { name: 'vllm', profile: vllm },
  sglang: { name: 'sglang', profile: sglang },
  trtllm: {
    name: 'trtllm',
    refused:
      'TensorRT-LLM is not supported yet: its ranks are started by MPI, whose state has not been captured and restored so far; ' +
      'use vllm or sglang, or generic for a worker that you have tried yourself',
  },
  generic: { name: 'generic', profile: generic },
};

export const backendOf = (name: BackendName): Backend => backends[name];

/** As `spec.quiesce` would say them. */
export const backendHooks = (
  { hooks }: BackendProfile,
  port: number,
): { readonly beforeCapture: readonly Hook[]; readonly afterRestore: readonly Hook[] } => {
  const posts = (paths: readonly string[] = []): readonly Hook[] =>
    paths.map((path) => ({ http: { port, path } }));
  return { beforeCapture: posts(hooks?.beforeCapture), afterRestore: posts(hooks?.afterRestore) };
};
