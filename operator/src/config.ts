/** Where the operator works; the environment is read here and nowhere else. */
import { SECCOMP_PROFILE } from '@dynamo-snapshot/api/control';

export interface OperatorConfig {
  /** Empty = all. */
  readonly watchNamespace: string;
  readonly healthPort: number;
  readonly logLevel: string;
  /** Localhost profile of checkpoint jobs; empty = none. */
  readonly seccompProfile: string;
}

export const operatorConfig = (env: Readonly<Record<string, string | undefined>>): OperatorConfig => ({
  watchNamespace: env['WATCH_NAMESPACE'] ?? '',
  healthPort: Number(env['HEALTH_PORT'] ?? 8081),
  logLevel: env['LOG_LEVEL'] ?? 'info',
  seccompProfile: env['SECCOMP_PROFILE'] ?? SECCOMP_PROFILE,
});
