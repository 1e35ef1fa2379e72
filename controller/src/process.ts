/** What every long-running program of ours does with its process: configuration of the cluster, and a graceful end. */
import { KubeConfig } from '@kubernetes/client-node';

/** In-cluster, or what KUBECONFIG and ~/.kube/config say. */
export function connect(): KubeConfig {
  const config = new KubeConfig();
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
