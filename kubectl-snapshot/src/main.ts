/** `kubectl snapshot`: the only reader of the environment, and the only place where real things are made. */
import { KubeConfig } from '@kubernetes/client-node';
import { kubectlAt } from './artifact/kubectl';
import { outputOf } from './output/output';
import { main } from './program';
import type { World } from './session';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

const world: World = {
  out: outputOf(process.stdout, process.env),
  err: outputOf(process.stderr, process.env),
  stdin: process.stdin,
  clock: Date,
  signal: stop.signal,
  connect: ({ context, kubeconfig }) => {
    const config = new KubeConfig();
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
    if (context !== undefined) config.setCurrentContext(context);
    return config;
  },
  kubectl: kubectlAt(process.env['KUBECTL'] ?? 'kubectl', stop.signal),
};

void main(process.argv.slice(2), world).then((code) => {
  process.exitCode = code;
});
