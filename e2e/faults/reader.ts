/** Reads of the API without a process for each: what is looked at several times a second must not take the processors from the operations. */
import type { RequestOptions } from 'node:https';
import { Agent, get } from 'node:https';
import { ASSIGNMENT, CHECKPOINT, GROUP, VERSION } from '@dynamo-snapshot/api/names';
import { KubeConfig } from '@kubernetes/client-node';
import { NAMESPACE } from '../chart';

const ours = `/apis/${GROUP}/${VERSION}`;
const roots = {
  pods: '/api/v1',
  leases: '/apis/coordination.k8s.io/v1',
  [ASSIGNMENT.plural]: ours,
  [CHECKPOINT.plural]: ours,
} as const;
type Plural = keyof typeof roots;

const TIMEOUT_MS = 10_000;
const NOT_FOUND = 404;

export class Reader {
  readonly #config = new KubeConfig();
  /** Connections are kept: TLS costs more than the answer. */
  readonly #agent = new Agent({ keepAlive: true });

  constructor(kubeconfig: string) {
    this.#config.loadFromFile(kubeconfig);
  }

  /** Undefined where it does not exist. */
  get<T>(plural: Plural, name: string): Promise<T | undefined> {
    return this.#read<T>(plural, `/${name}`);
  }

  async list<T>(plural: Plural, selector = ''): Promise<readonly T[]> {
    const found = await this.#read<{ items: T[] }>(plural, `?labelSelector=${encodeURIComponent(selector)}`);
    return found?.items ?? [];
  }

  async #read<T>(plural: Plural, rest: string): Promise<T | undefined> {
    const path = `${roots[plural]}/namespaces/${NAMESPACE}/${plural}${rest}`;
    const options: RequestOptions = { agent: this.#agent, timeout: TIMEOUT_MS };
    await this.#config.applyToHTTPSOptions(options);
    const { status, text } = await answer(`${this.#config.getCurrentCluster()?.server}${path}`, options);
    if (status === NOT_FOUND) return undefined;
    if (status !== 200) throw new Error(`GET ${path}: ${status}: ${text}`);
    return JSON.parse(text) as T;
  }
}

function answer(
  url: string,
  options: RequestOptions,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const request = get(url, options, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }),
      );
    });
    request.on('timeout', () => request.destroy(new Error(`${url} did not answer`)));
    request.on('error', reject);
  });
}
