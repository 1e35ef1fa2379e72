/** Where things are. The environment is read here and nowhere else. */
import type { StagingChoice } from './memory/decide';
import type { KeyConfig } from './store/keys';

export interface EngineConfig extends KeyConfig {
  readonly criu: string;
  readonly nsrestore: string;
  readonly rlimitShim: string;
  /** Preloaded into CRIU for trees that may use AMX tiles. */
  readonly tileShim: string;
  readonly cgroupRoot: string;
  readonly criSocket: string;
  /** Under which the host's snapshotter folder is mounted; empty on the host itself. */
  readonly hostRoot: string;
  readonly work: string;
  /** Who copies memory at a capture; ours falls back to CRIU's where it must. */
  readonly pages: 'split' | 'criu';
  readonly staging: StagingChoice;
  /** That copy memory; 0 = as many as there are processors, within reason. */
  readonly threads: number;
  /** A restore reads all shards through their digests before it makes a process, and once more while it fills it. */
  readonly verifyFirst: boolean;
  readonly nodeName: string;
  readonly gpu: GpuConfig;
}

export interface GpuConfig {
  /** Starts the program that loads the driver; it is no other than the engine. */
  readonly helper: readonly [string, ...string[]];
  readonly libcuda: string;
  /** NVIDIA's program, to be used in place of the library. Empty = the library. */
  readonly cudaCheckpoint: string;
  readonly nvml: string;
  readonly nvidiaSmi: string;
  /** How long a worker's GPU work may go on before a capture gives up. */
  readonly lockTimeoutMs: number;
  /** Whether the node's huge pages may be set to `always` while the driver checkpoints. */
  readonly hugePages: boolean;
  readonly hugePagesSetting: string;
  /** Whether the memory that the driver maps within its checkpoint is touched side by side. */
  readonly prefault: boolean;
  /** Whether the memory that only the driver reads is filled in while it does. */
  readonly overlap: boolean;
  /** Socket of the kubelet's PodResources API. */
  readonly podResources: string;
}

export interface AgentConfig extends EngineConfig {
  readonly store: string;
  readonly journal: string;
  readonly engine: string;
  /** Empty = all. */
  readonly watchNamespace: string;
  /** Where the agent itself runs: the lease of the sweep is there. */
  readonly ownNamespace: string;
  readonly podName: string;
  readonly healthPort: number;
  readonly logLevel: string;
  /** Absent: what nobody owns stays in the store. */
  readonly sweep?: SweepConfig;
}

export interface SweepConfig {
  readonly everyMs: number;
  /** How old an orphan is at least, and for how long it has been known for one, before it goes. */
  readonly graceMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const HOME = '/opt/dynamo-snapshot';

export function engineConfig(env: Environment): EngineConfig {
  return {
    criu: env['SNAPSHOT_CRIU'] ?? `${HOME}/criu/criu`,
    nsrestore: env['SNAPSHOT_NSRESTORE'] ?? `${HOME}/nsrestore`,
    rlimitShim: env['SNAPSHOT_RLIMIT_SHIM'] ?? `${HOME}/rlimit-shim.so`,
    tileShim: env['SNAPSHOT_TILE_SHIM'] ?? `${HOME}/tile-shim.so`,
    cgroupRoot: env['SNAPSHOT_CGROUP_ROOT'] ?? '/sys/fs/cgroup',
    criSocket: env['SNAPSHOT_CRI_SOCKET'] ?? 'unix:///run/containerd/containerd.sock',
    hostRoot: env['SNAPSHOT_HOST_ROOT'] ?? '',
    work: env['SNAPSHOT_WORK'] ?? '/var/lib/dynamo-snapshot/work',
    pages: oneOf(env, 'SNAPSHOT_PAGES', ['split', 'criu']),
    staging: oneOf(env, 'SNAPSHOT_STAGING', ['auto', 'memory', 'direct']),
    threads: Number(env['SNAPSHOT_THREADS'] ?? 0),
    verifyFirst: oneOf(env, 'SNAPSHOT_VERIFY_FIRST', ['false', 'true']) === 'true',
    keys: env['SNAPSHOT_KEYS'] ?? '',
    requireSignature: oneOf(env, 'SNAPSHOT_REQUIRE_SIGNATURE', ['false', 'true']) === 'true',
    encryptWith: env['SNAPSHOT_ENCRYPT_WITH'] ?? '',
    nodeName: env['NODE_NAME'] ?? '',
    gpu: gpuConfig(env),
  };
}

const gpuConfig = (env: Environment): GpuConfig => ({
  helper: [process.execPath, env['SNAPSHOT_ENGINE'] ?? `${HOME}/engine.cjs`, 'cuda'],
  libcuda: env['SNAPSHOT_LIBCUDA'] ?? 'libcuda.so.1',
  cudaCheckpoint: env['SNAPSHOT_CUDA_CHECKPOINT'] ?? '',
  nvml: env['SNAPSHOT_NVML'] ?? 'libnvidia-ml.so.1',
  nvidiaSmi: env['SNAPSHOT_NVIDIA_SMI'] ?? 'nvidia-smi',
  lockTimeoutMs: Number(env['SNAPSHOT_CUDA_LOCK_TIMEOUT_MS'] ?? 10_000),
  hugePages: env['SNAPSHOT_HUGE_PAGES'] !== 'leave',
  hugePagesSetting: env['SNAPSHOT_HUGE_PAGES_SETTING'] ?? '/sys/kernel/mm/transparent_hugepage/enabled',
  prefault: oneOf(env, 'SNAPSHOT_GPU_PREFAULT', ['true', 'false']) === 'true',
  overlap: oneOf(env, 'SNAPSHOT_GPU_OVERLAP', ['true', 'false']) === 'true',
  podResources: env['SNAPSHOT_POD_RESOURCES'] ?? '/var/lib/kubelet/pod-resources/kubelet.sock',
});
/** The first is the default. */
function oneOf<T extends string>(env: Environment, name: string, values: readonly [T, ...T[]]): T {
  const given = env[name] ?? values[0];
  const value = values.find((v) => v === given);
  if (value === undefined) throw new Error(`${name} is ${given}, not one of ${values.join(', ')}`);
  return value;
}

export function agentConfig(env: Environment): AgentConfig {
  const config = engineConfig(env);
  if (config.nodeName === '')
    throw new Error('NODE_NAME is not set: the agent must know which node it works for');
  return {
    ...config,
    store: env['SNAPSHOT_STORE'] ?? '/checkpoints',
    journal: env['SNAPSHOT_JOURNAL'] ?? '/var/lib/dynamo-snapshot/journal',
    engine: env['SNAPSHOT_ENGINE'] ?? `${HOME}/engine.cjs`,
    watchNamespace: env['WATCH_NAMESPACE'] ?? '',
    ownNamespace: env['POD_NAMESPACE'] ?? 'default',
    podName: env['POD_NAME'] ?? 'agent',
    healthPort: Number(env['HEALTH_PORT'] ?? 8081),
    logLevel: env['LOG_LEVEL'] ?? 'info',
    ...sweepConfig(env),
  };
}

const sweepConfig = (env: Environment): Pick<AgentConfig, 'sweep'> =>
  oneOf(env, 'SNAPSHOT_SWEEP', ['false', 'true']) === 'false'
    ? {}
    : {
        sweep: {
          everyMs: Number(env['SNAPSHOT_SWEEP_EVERY_SECONDS'] ?? 3600) * 1000,
          graceMs: Number(env['SNAPSHOT_SWEEP_AFTER_SECONDS'] ?? 86_400) * 1000,
        },
      };

/** What `engine doctor` looks at beyond that. */
export interface DoctorPlaces extends AgentConfig {
  /** Where the chart mounts the kubelet's folder of seccomp profiles. */
  readonly seccomp: string;
  readonly kernelConfig: string;
}

export const doctorPlaces = (env: Environment): DoctorPlaces => ({
  ...agentConfig(env),
  seccomp: env['SNAPSHOT_SECCOMP_ROOT'] ?? '/host/seccomp',
  kernelConfig: env['SNAPSHOT_KERNEL_CONFIG'] ?? '/proc/config.gz',
});
