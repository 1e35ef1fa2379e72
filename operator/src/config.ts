/** Where the operator works; the environment is read here and nowhere else. */
import { SECCOMP_PROFILE } from '@dynamo-snapshot/api/control';
import { AGENT_SELECTOR } from '@dynamo-snapshot/api/names';
import type { ShapeSettings } from './webhook/shape';

export interface OperatorConfig {
  /** Empty = all. */
  readonly watchNamespace: string;
  readonly healthPort: number;
  readonly logLevel: string;
  /** Where the operator itself runs: its lease is there, and so are the agents. */
  readonly ownNamespace: string;
  /** Labels of the agents' pods. */
  readonly agentSelector: string;
  /** Of this replica. */
  readonly podName: string;
  /** An operation is given up when nothing was heard of it, and its agent was not Ready, for so long. */
  readonly nodeLostSeconds: number;
  /** Localhost profile of checkpoint jobs; empty = none. */
  readonly seccompProfile: string;
  /** Path of the program that placeholders get by a ConfigMap; empty: they get it by an installer. */
  readonly standbyProgram: string;
  /** Absent: no admission. */
  readonly webhook?: WebhookConfig;
}

export interface WebhookConfig extends ShapeSettings {
  readonly port: number;
  /** Our own. */
  readonly namespace: string;
  readonly service: string;
  readonly secret: string;
  /** Name of both webhook configurations. */
  readonly configuration: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

export const operatorConfig = (env: Environment): OperatorConfig => ({
  watchNamespace: env['WATCH_NAMESPACE'] ?? '',
  healthPort: Number(env['HEALTH_PORT'] ?? 8081),
  logLevel: env['LOG_LEVEL'] ?? 'info',
  ownNamespace: env['POD_NAMESPACE'] ?? 'default',
  agentSelector: env['AGENT_SELECTOR'] ?? AGENT_SELECTOR,
  podName: env['POD_NAME'] ?? 'operator',
  nodeLostSeconds: Number(env['NODE_LOST_SECONDS'] ?? 120),
  seccompProfile: sourceProfile(env),
  standbyProgram: env['STANDBY_PROGRAM'] ?? '',
  ...webhookConfig(env),
});

/** Localhost profile of whatever may be captured. */
const sourceProfile = (env: Environment): string => env['SECCOMP_PROFILE'] ?? SECCOMP_PROFILE;

/** Admission is on where its Service is named. */
function webhookConfig(env: Environment): { readonly webhook?: WebhookConfig } {
  const service = env['WEBHOOK_SERVICE'];
  if (!service) return {};
  const needed = (name: string) => {
    const value = env[name];
    if (!value) throw new Error(`${name} is not set: the webhook needs it`);
    return value;
  };
  return {
    webhook: {
      service,
      port: Number(env['WEBHOOK_PORT'] ?? 9443),
      namespace: needed('POD_NAMESPACE'),
      secret: needed('WEBHOOK_SECRET'),
      configuration: needed('WEBHOOK_CONFIGURATION'),
      standbyImage: needed('STANDBY_IMAGE'),
      pullPolicy: env['STANDBY_PULL_POLICY'] ?? 'IfNotPresent',
      seccompProfile: env['PLACEHOLDER_SECCOMP_PROFILE'] ?? '',
      sourceSeccompProfile: sourceProfile(env),
    },
  };
}
