/**
 * Admission, on every replica whether it leads or not: a cache of the checkpoints, the server, and one key of a queue that keeps
 * certificate and configurations as they should be.
 */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { CHECKPOINT, GROUP, VERSION } from '@dynamo-snapshot/api/names';
import { Informer } from '@dynamo-snapshot/controller/informer';
import type { Outcome } from '@dynamo-snapshot/controller/queue';
import { WorkQueue } from '@dynamo-snapshot/controller/queue';
import type { V1Pod } from '@kubernetes/client-node';
import type { WebhookConfig } from '../config';
import type { Parts } from '../parts';
import { checkpointRef } from '../parts';
import { wantedCheckpoint } from '../restore/observe';
import { ConfigMaps } from '../standby/config-maps';
import { configMapFor } from '../standby/source';
import { configure } from './configuration';
import { decide } from './decide';
import type { AdmissionRequest, AdmissionResponse } from './review';
import { checkpointResponse, podResponse, requestOf } from './review';
import { CertificateSecret } from './secret';
import { selectedExpression } from './select';
import { WebhookServer } from './server';
import { validate } from './validate';

export const webhookPath = { pods: '/mutate-pods', checkpoints: '/validate-checkpoints' } as const;

/** How often a replica looks whether another one has renewed the certificate. */
const LOOK_EVERY_MS = 60_000;
const KEY = 'webhook';

export class Webhook {
  readonly #parts: Parts;
  readonly #config: WebhookConfig;
  readonly #checkpoints: Informer<DynamoCheckpoint>;
  readonly #secret: CertificateSecret;
  readonly #maps: ConfigMaps;
  readonly #queue: WorkQueue;
  #server: WebhookServer | undefined;

  constructor(parts: Parts, config: WebhookConfig) {
    this.#parts = parts;
    this.#config = config;
    const { kube, log, clock } = parts;
    const namespace = parts.config.watchNamespace;
    this.#checkpoints = new Informer<DynamoCheckpoint>({
      config: kube,
      resource: { group: GROUP, version: VERSION, plural: CHECKPOINT.plural, namespace },
      log,
    });
    this.#secret = new CertificateSecret({
      ...{ kube, log, clock },
      namespace: config.namespace,
      name: config.secret,
      names: serviceNames(config),
    });
    this.#maps = new ConfigMaps(kube);
    this.#queue = new WorkQueue({ name: 'admission', reconcile: () => this.#reconcile(), log });
  }

  get ready(): boolean {
    return this.#server !== undefined && this.#checkpoints.healthy;
  }

  async start(): Promise<void> {
    this.#checkpoints.onChange(() => this.#queue.add(KEY));
    this.#checkpoints.start();
    await this.#checkpoints.synced();
    this.#queue.add(KEY);
  }

  async close(): Promise<void> {
    await this.#checkpoints.stop();
    await this.#queue.drain();
    await this.#server?.close();
  }

  async #reconcile(): Promise<Outcome> {
    const certificates = await this.#secret.current();
    const { log, kube } = this.#parts;
    this.#server ??= await WebhookServer.listen(this.#config.port, certificates, this.#routes(), log);
    const selected = selectedExpression(this.#checkpoints.list());
    await configure(kube, this.#config.configuration, { bundle: certificates.bundle, selected });
    // Before that the API server does not trust what a new authority has signed; after it, still what was served until now.
    this.#server.serve(certificates);
    return { requeueAfterMs: LOOK_EVERY_MS };
  }

  #routes() {
    return {
      [webhookPath.pods]: (body: string) => this.#pod(requestOf<V1Pod>(body)),
      [webhookPath.checkpoints]: (body: string) => {
        const { uid, object, namespace } = requestOf<DynamoCheckpoint>(body);
        return checkpointResponse(uid, validate(object, this.#ofNamespace(namespace)));
      },
    };
  }

  async #pod(request: AdmissionRequest<V1Pod>): Promise<AdmissionResponse> {
    const checkpoints = await this.#fresh(request);
    const admission = decide(request.object, checkpoints);
    const standbyConfigMap = admission.do === 'shape' ? await this.#standby(request) : undefined;
    const settings = { ...this.#config, ...(standbyConfigMap === undefined ? {} : { standbyConfigMap }) };
    return podResponse(request, admission, settings);
  }

  async #standby({ namespace = '' }: AdmissionRequest<V1Pod>): Promise<string | undefined> {
    const { program, log } = this.#parts;
    return program === undefined ? undefined : configMapFor(namespace, program, this.#maps, log);
  }

  /** What a pod asks for by name may be newer than our cache, which has no word of it or an old one. */
  async #fresh({ namespace = '', object }: AdmissionRequest<V1Pod>): Promise<readonly DynamoCheckpoint[]> {
    const cached = this.#ofNamespace(namespace);
    const name = wantedCheckpoint(object)?.name;
    if (name === undefined) return cached;
    if (cached.some((c) => c.metadata.name === name && c.status?.phase === 'Ready')) return cached;
    const found = await this.#parts.api.get<DynamoCheckpoint>(checkpointRef(namespace, name));
    const others = cached.filter((c) => c.metadata.name !== name);
    return found === undefined ? others : [...others, found];
  }

  #ofNamespace(namespace = ''): readonly DynamoCheckpoint[] {
    return this.#checkpoints.list().filter((c) => c.metadata.namespace === namespace);
  }
}

/** The first is the one that API servers check (webhook clientConfig.service). */
export const serviceNames = ({
  service,
  namespace,
}: Pick<WebhookConfig, 'service' | 'namespace'>): readonly string[] => [
  `${service}.${namespace}.svc`,
  `${service}.${namespace}.svc.cluster.local`,
];
