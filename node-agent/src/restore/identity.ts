/** Who a clone is, for the worker in it; pure but for the seed, which is given. */
import type { PodFacts } from '../engine';

/** Where the kubelet puts the token of the pod's service account. */
const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** restore-context: version 1 only ever gains fields. */
export const restoreContext = (pod: PodFacts | undefined, seed: string): string =>
  `${JSON.stringify({
    version: 1,
    podName: pod?.name,
    podNamespace: pod?.namespace,
    podUid: pod?.uid,
    podIp: pod?.ip,
    podIps: pod?.ips,
    nodeName: pod?.nodeName,
    hostname: pod?.hostname,
    seed,
    serviceAccountTokenPath: TOKEN_PATH,
  })}\n`;

/** The same as lines NAME=value, for a shell or `env $(cat …)`; what the pod has not is left out. */
export const restoreEnvironment = (pod: PodFacts | undefined, seed: string): string =>
  Object.entries({
    POD_NAME: pod?.name,
    POD_NAMESPACE: pod?.namespace,
    POD_UID: pod?.uid,
    POD_IP: pod?.ip,
    NODE_NAME: pod?.nodeName,
    HOSTNAME: pod?.hostname,
    SNAPSHOT_SEED: seed,
  })
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
