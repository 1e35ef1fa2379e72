/** Where the operator works; the environment is read here and nowhere else. */
import { SECCOMP_PROFILE } from '@dynamo-snapshot/api/control';

export interface OperatorConfig {
  /** Empty = all. */
  readonly watchNamespace: string;
  readonly healthPort: number;
  readonly logLevel: string;
  /** Where the operator itself runs: its lease and those of the agents are there. */
  readonly ownNamespace: string;
  /** Of this replica. */
  readonly podName: string;
  /** An operation is given up when nothing was heard of it, nor of its agent, for so long. */
  readonly nodeLostSeconds: number;
  /** Localhost profile of checkpoint jobs; empty = none. */
  readonly seccompProfile: string;
}

export const operatorConfig = (env: Readonly<Record<string, string | undefined>>): OperatorConfig => ({
  watchNamespace: env['WATCH_NAMESPACE'] ?? '',
  healthPort: Number(env['HEALTH_PORT'] ?? 8081),
  logLevel: env['LOG_LEVEL'] ?? 'info',
  ownNamespace: env['POD_NAMESPACE'] ?? 'default',
  podName: env['POD_NAME'] ?? 'operator',
  nodeLostSeconds: Number(env['NODE_LOST_SECONDS'] ?? 120),
  seccompProfile: env['SECCOMP_PROFILE'] ?? SECCOMP_PROFILE,
});
