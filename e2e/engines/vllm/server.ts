/** The pods in which vLLM serves, and what is asked of it. Nothing in them is made for a snapshot: that is the product's part. */
import { annotation } from '@dynamo-snapshot/api/names';
import type { KubeObject } from '../../kube';
import { checkpoint } from '../../workload';

export const VLLM_IMAGE = 'docker.io/dynamo-snapshot/e2e-vllm:1';
/** Where the image has its packages and the model. */
export const VLLM_PATH = '/opt/vllm';
const MODEL = 'tiny';
const PORT = 8000;

export interface ServerOptions {
  /** Folder of the node with what is at VLLM_PATH. */
  readonly folder: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
}

const serve = [
  ...[`${VLLM_PATH}/bin/vllm`, 'serve', `${VLLM_PATH}/model`, '--served-model-name', MODEL],
  ...['--host', '0.0.0.0', '--port', String(PORT), '--dtype', 'bfloat16'],
  ...['--max-model-len', '512', '--max-num-seqs', '4', '--enforce-eager'],
];

const env = {
  VLLM_CPU_KVCACHE_SPACE: '1',
  HF_HUB_OFFLINE: '1',
  // Opens /pause and /resume: the owner of this pod wants a capture at rest (docs/engines/vllm.md).
  VLLM_SERVER_DEV_MODE: '1',
};

function template({ folder, annotations, labels, command = serve }: ServerOptions) {
  const health = { httpGet: { path: '/health', port: PORT } };
  return {
    metadata: { ...(annotations ? { annotations } : {}), ...(labels ? { labels } : {}) },
    spec: {
      terminationGracePeriodSeconds: 2,
      containers: [
        {
          name: 'main',
          image: VLLM_IMAGE,
          imagePullPolicy: 'IfNotPresent',
          command,
          env: Object.entries(env).map(([name, value]) => ({ name, value })),
          ports: [{ containerPort: PORT }],
          readinessProbe: { ...health, periodSeconds: 1, timeoutSeconds: 5 },
          startupProbe: { ...health, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 600 },
          volumeMounts: [{ name: 'vllm', mountPath: VLLM_PATH, readOnly: true }],
        },
      ],
      volumes: [{ name: 'vllm', hostPath: { path: folder, type: 'Directory' } }],
    },
  };
}

export function server(name: string, node: string, options: ServerOptions): KubeObject {
  const { metadata, spec } = template(options);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
    spec: { ...spec, nodeName: node },
  };
}

export function servers(name: string, labels: Readonly<Record<string, string>>, folder: string): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { replicas: 0, selector: { matchLabels: labels }, template: template({ folder, labels }) },
  };
}

/** The pod may be captured, though its checkpoint does not exist yet. */
export const capturable = { [annotation.backend]: 'vllm' } as const;

export const checkpointOfServer = (name: string, podName: string, restore: object): KubeObject =>
  checkpoint(name, {
    identity: { model: `e2e/${name}`, backendFramework: 'vllm' },
    source: { podName },
    restore: { claimTimeoutSeconds: 60, ...restore },
  });

/** A greedy completion: the same model and prompt give the same text. */
export async function complete(ip: string, prompt: string, ms = 60_000): Promise<string> {
  const body = { model: MODEL, prompt, max_tokens: 16, temperature: 0, ignore_eos: true };
  const answer = await call<{ choices: readonly { text: string }[] }>(ip, '/v1/completions', ms, body);
  return answer.choices[0]?.text ?? '';
}

export const isPaused = async (ip: string): Promise<boolean> =>
  (await call<{ is_paused: boolean }>(ip, '/is_paused', 10_000)).is_paused;

async function call<T>(ip: string, path: string, ms: number, body?: object): Promise<T> {
  const response = await fetch(`http://${ip}:${PORT}${path}`, {
    signal: AbortSignal.timeout(ms),
    ...(body === undefined
      ? {}
      : {
          method: 'POST',
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        }),
  });
  if (!response.ok) throw new Error(`${path} of ${ip}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}
