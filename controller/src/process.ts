/** What every long-running program of ours does with its process: configuration of the cluster, and a graceful end. */
import type { RequestContext } from '@kubernetes/client-node';
import { KubeConfig } from '@kubernetes/client-node';

/** An API server ends by itself what takes longer and is no watch; one that does not answer would be waited for for five minutes. */
const REQUEST_MS = 60_000;

/** Every request of its API objects has a limit. Watches have none: they take headers and connection from here, and no signal. */
export class LimitedConfig extends KubeConfig {
  readonly #requestMs: number;

  constructor(requestMs = REQUEST_MS) {
    super();
    this.#requestMs = requestMs;
  }

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(context);
    context.setSignal(AbortSignal.timeout(this.#requestMs));
  }
}

/** In-cluster, or what KUBECONFIG and ~/.kube/config say. */
export function connect(): KubeConfig {
  const config = new LimitedConfig();
  config.loadFromDefault();
  return config;
}

/** Settles at the first SIGTERM or SIGINT. The default action would end the process in the middle of a write. */
export function askedToStop(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}

/** For the log line that says that a program is ready: how long it took, and how much of that was its own work. */
export function startFigures(): { readonly afterSeconds: number; readonly cpuSeconds: number } {
  const { user, system } = process.cpuUsage();
  const rounded = (seconds: number): number => Number(seconds.toFixed(2));
  return { afterSeconds: rounded(process.uptime()), cpuSeconds: rounded((user + system) / 1e6) };
}
