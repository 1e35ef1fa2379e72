/** The pods and checkpoints of the scenarios, and how one talks to the worker in them. */
import { STANDBY_DIR, STANDBY_PATH, STANDBY_VOLUME } from '@dynamo-snapshot/api/control';
import { annotation, API_VERSION, CHECKPOINT } from '@dynamo-snapshot/api/names';
import type { KubeObject } from './kube';

export const WORKER_IMAGE = 'docker.io/dynamo-snapshot/e2e-worker:1';
/** The same worker under another digest. */
export const OTHER_WORKER_IMAGE = 'docker.io/dynamo-snapshot/e2e-worker:other';
export const SCRATCH_IMAGE = 'docker.io/dynamo-snapshot/e2e-scratch:1';
export const AGENT_IMAGE = 'docker.io/dynamo-snapshot/agent:0.1.0';

export interface WorkerOptions {
  readonly name: string;
  readonly node: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly container?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly sidecars?: readonly object[];
  readonly volumes?: readonly object[];
  readonly mounts?: readonly object[];
}

const http = { path: '/healthz', port: 8000 };
const small = { MODEL_MB: '64', WARMUP_SECONDS: '0' };

const mainContainer = (o: WorkerOptions) => ({
  name: 'main',
  image: WORKER_IMAGE,
  imagePullPolicy: 'IfNotPresent',
  env: Object.entries({ ...small, ...o.env }).map(([name, value]) => ({ name, value })),
  ports: [{ containerPort: 8000 }],
  readinessProbe: { httpGet: http, periodSeconds: 1 },
  livenessProbe: { httpGet: http, periodSeconds: 2, failureThreshold: 5 },
  volumeMounts: [{ name: 'data', mountPath: '/data' }, ...(o.mounts ?? [])],
  ...o.container,
});

const pod = (
  o: WorkerOptions,
  metadata: object,
  containers: readonly object[],
  volumes: readonly object[],
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: o.name, ...metadata },
  spec: {
    nodeName: o.node,
    terminationGracePeriodSeconds: 10,
    restartPolicy: 'Always',
    ...o.spec,
    containers: [...containers, ...(o.sidecars ?? [])],
    volumes: [{ name: 'data', emptyDir: {} }, ...volumes, ...(o.volumes ?? [])],
  },
});

/** Container security context that the `restricted` pod security standard admits, with nothing to write to. */
export const unprivileged = {
  runAsNonRoot: true,
  runAsUser: 1000,
  runAsGroup: 1000,
  readOnlyRootFilesystem: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

/** A worker that starts the slow way. */
export function worker(o: WorkerOptions): KubeObject {
  const main = {
    startupProbe: { httpGet: http, periodSeconds: 1, failureThreshold: 120 },
    ...mainContainer(o),
  };
  return pod(o, {}, [main], []);
}

/** The same pod with standby in place of the command: restored from `checkpoint` when it runs. */
export function placeholder(o: WorkerOptions & { readonly checkpoint: string }): KubeObject {
  const main = mainContainer(o);
  const standby = {
    ...main,
    command: [STANDBY_PATH],
    startupProbe: { exec: { command: [STANDBY_PATH, '--probe'] }, periodSeconds: 1, failureThreshold: 600 },
    volumeMounts: [...main.volumeMounts, { name: STANDBY_VOLUME, mountPath: STANDBY_DIR, readOnly: true }],
  };
  const init = {
    name: 'standby',
    image: AGENT_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    command: ['/opt/dynamo-snapshot/standby', '--install', STANDBY_DIR],
    volumeMounts: [{ name: STANDBY_VOLUME, mountPath: STANDBY_DIR }],
    ...(o.container?.['securityContext'] === undefined
      ? {}
      : { securityContext: o.container['securityContext'] }),
  };
  const made = pod(
    o,
    { annotations: { [annotation.restoreFrom]: o.checkpoint } },
    [standby],
    [{ name: STANDBY_VOLUME, emptyDir: {} }],
  );
  return { ...made, spec: { ...(made['spec'] as object), initContainers: [init] } };
}

/** An ordinary pod that asks for a checkpoint: admission makes a placeholder of it. */
export function asking(
  o: WorkerOptions & { readonly checkpoint: string; readonly annotations?: Readonly<Record<string, string>> },
): KubeObject {
  const made = worker(o);
  const annotations = { [annotation.restoreFrom]: o.checkpoint, ...o.annotations };
  return { ...made, metadata: { ...made.metadata, annotations } };
}

/** Pods with these labels as an ordinary Deployment makes them, on any node. */
export function deployment(
  o: Omit<WorkerOptions, 'node'>,
  labels: Readonly<Record<string, string>>,
): KubeObject {
  const spec = { ...(worker({ ...o, node: '' })['spec'] as { nodeName?: string }) };
  delete spec.nodeName;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: o.name },
    spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}

/** A checkpoint of what is given in `spec`. */
export const checkpoint = (name: string, spec: object): KubeObject => ({
  apiVersion: API_VERSION,
  kind: CHECKPOINT.kind,
  metadata: { name },
  spec: { identity: { model: `e2e/${name}`, backendFramework: 'generic' }, ...spec },
});

/** A checkpoint of a pod that serves already. Each name is an identity of its own. */
export const checkpointOf = (name: string, podName: string, restore: object = PATIENT): KubeObject =>
  checkpoint(name, { source: { podName, containerName: 'main' }, restore });

/** These machines are busy: an agent that is late is no missing agent. */
export const PATIENT = { claimTimeoutSeconds: 60 } as const;

export interface WorkerState {
  readonly counter: number;
  readonly ticks: number;
  readonly uptime: number;
  readonly modelIntact: boolean;
  readonly uid: number;
  readonly pid: number;
  readonly threads: number;
  readonly child: string;
  readonly hostname: string;
  readonly etcHostname: string;
  readonly token: { readonly pod?: { readonly name: string }; readonly node?: { readonly name: string } };
  readonly deleted: boolean;
  readonly changed: string;
  readonly written: string;
  readonly opaque: readonly string[];
  readonly unlinked: string;
  readonly logLines: number;
  readonly dataLines: number;
  readonly restored: boolean;
}

/** GET of a path of the worker, one connection a request. Throws where it does not answer in `ms`. */
export async function ask<T>(ip: string, path: string, ms = 5000): Promise<T> {
  const response = await fetch(`http://${ip}:8000${path}`, {
    signal: AbortSignal.timeout(ms),
    headers: { connection: 'close' },
  });
  if (!response.ok) throw new Error(`GET ${path} of ${ip}: ${response.status}`);
  return (await response.json()) as T;
}

export const count = async (ip: string): Promise<number> =>
  (await ask<{ counter: number }>(ip, '/count')).counter;
export const state = (ip: string): Promise<WorkerState> => ask<WorkerState>(ip, '/state', 20_000);
