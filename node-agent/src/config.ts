/** Where things are. The environment is read here and nowhere else. */

export interface EngineConfig {
  readonly criu: string;
  readonly nsrestore: string;
  readonly rlimitShim: string;
  readonly cgroupRoot: string;
  readonly criSocket: string;
  /** Under which the host's snapshotter folder is mounted; empty on the host itself. */
  readonly hostRoot: string;
  readonly work: string;
  readonly nodeName: string;
}

export interface AgentConfig extends EngineConfig {
  readonly store: string;
  readonly journal: string;
  readonly engine: string;
  /** Empty = all. */
  readonly watchNamespace: string;
  readonly healthPort: number;
  readonly logLevel: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const HOME = '/opt/dynamo-snapshot';

export function engineConfig(env: Environment): EngineConfig {
  return {
    criu: env['SNAPSHOT_CRIU'] ?? `${HOME}/criu/criu`,
    nsrestore: env['SNAPSHOT_NSRESTORE'] ?? `${HOME}/nsrestore`,
    rlimitShim: env['SNAPSHOT_RLIMIT_SHIM'] ?? `${HOME}/rlimit-shim.so`,
    cgroupRoot: env['SNAPSHOT_CGROUP_ROOT'] ?? '/sys/fs/cgroup',
    criSocket: env['SNAPSHOT_CRI_SOCKET'] ?? 'unix:///run/containerd/containerd.sock',
    hostRoot: env['SNAPSHOT_HOST_ROOT'] ?? '',
    work: env['SNAPSHOT_WORK'] ?? '/var/lib/dynamo-snapshot/work',
    nodeName: env['NODE_NAME'] ?? '',
  };
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
    healthPort: Number(env['HEALTH_PORT'] ?? 8081),
    logLevel: env['LOG_LEVEL'] ?? 'info',
  };
}
