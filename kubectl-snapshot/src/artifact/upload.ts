/**
 * The way of an artifact into the store: the object first, because the artifact's place is named by its UID; then the files beside that
 * place; and when an agent has verified them there, the rename, and the status that says Ready.
 */
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { CheckpointStatus, DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import { identityHash } from '@dynamo-snapshot/api/identity';
import type { ArtifactRef } from '@dynamo-snapshot/api/layout';
import { artifactFile, artifactPath, stagingPath } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { API_VERSION, ARTIFACT_FINALIZER, CHECKPOINT, label } from '@dynamo-snapshot/api/names';
import { humanBytes } from '@dynamo-snapshot/api/quantity';
import type { Seal } from '@dynamo-snapshot/api/seal';
import { isoSeconds } from '@dynamo-snapshot/api/time';
import { pack } from 'tar-stream';
import type { Put } from '../archive/receive';
import { dropCheckpoint, markReady } from '../cluster/imported';
import type { Session } from '../session';
import type { AgentPod } from './args';
import { discardCommand, execArgs, publishCommand, receiveCommand, verifyCommand } from './args';
import type { KubectlRun } from './kubectl';
import { digestOf } from './open';

/** No pod can be called this, so nothing is ever captured for it. */
export const IMPORTED_SOURCE = '(imported)';

export interface Naming {
  readonly name?: string;
  readonly model?: string;
  readonly backend: string;
}

export class Upload {
  readonly #session: Session;
  readonly #agent: AgentPod;
  readonly #checkpoint: DynamoCheckpoint;
  readonly #tar = pack();
  readonly #run: KubectlRun;
  readonly #sent: Promise<void>;

  private constructor(session: Session, agent: AgentPod, checkpoint: DynamoCheckpoint) {
    this.#session = session;
    this.#agent = agent;
    this.#checkpoint = checkpoint;
    this.#run = session.kubectl(execArgs(agent, receiveCommand(this.#staging), true));
    this.#run.stdout.resume();
    this.#sent = pipeline(this.#tar, this.#run.stdin);
    this.#sent.catch(() => {});
  }

  static async begin(session: Session, agent: AgentPod, manifest: Manifest, naming: Naming): Promise<Upload> {
    const name = naming.name ?? manifest.artifact.checkpoint ?? manifest.container.podName;
    const identity = { model: naming.model ?? name, backendFramework: naming.backend as 'generic' };
    const checkpoint = await session.cluster.createCheckpoint({
      apiVersion: API_VERSION,
      kind: CHECKPOINT.kind,
      metadata: {
        name,
        namespace: session.namespace,
        // The operator would put them on too; but it may see the object only when it is Ready already.
        finalizers: [ARTIFACT_FINALIZER],
        labels: { [label.checkpointHash]: identityHash(identity) },
      },
      spec: { identity, source: { podName: IMPORTED_SOURCE } },
    });
    return new Upload(session, agent, checkpoint);
  }

  readonly put: Put = async (name, size, content) => {
    // Of the manifest that it had elsewhere.
    if (name === artifactFile.seal) return void content.resume();
    await Promise.race([pipeline(content, this.#tar.entry({ name, size, mode: 0o600 })), this.#refused()]);
  };

  /** Gives the name of the checkpoint, which is Ready then. */
  async finish(manifest: Manifest): Promise<string> {
    const { name } = this.#checkpoint.metadata;
    const ours: Manifest = { ...manifest, artifact: { ...this.#ref, checkpoint: name } };
    const words = `${JSON.stringify(ours, undefined, 1)}\n`;
    this.#tar.entry({ name: artifactFile.manifest, mode: 0o600 }, words);
    const seal: Seal = { version: 1, manifest: digestOf(words) };
    this.#tar.entry({ name: artifactFile.seal, mode: 0o600 }, JSON.stringify(seal));
    this.#tar.finalize();
    await this.#sent.catch(() => {});
    await this.#done('write to the store', this.#run);
    await this.#in('verify in the store', verifyCommand(this.#staging));
    await this.#in('publish in the store', publishCommand(this.#staging, this.#final));
    await markReady(this.#session.cluster, this.#checkpoint, this.#status(ours, digestOf(words)));
    return name;
  }

  /** Best effort: the reason why it has to be is what the person has to see. */
  async takeBack(): Promise<void> {
    this.#tar.destroy();
    const { cluster, world } = this.#session;
    const { namespace, name } = this.#checkpoint.metadata;
    await this.#run.ended.catch(() => {});
    await this.#in('remove from the store', discardCommand(this.#staging, this.#final)).catch(
      (error: unknown) => world.err.write(`${explain(error)}\n`),
    );
    await dropCheckpoint(cluster, namespace, name).catch((error: unknown) =>
      world.err.write(`${explain(error)}\n`),
    );
  }

  get #ref(): ArtifactRef {
    const { metadata, spec } = this.#checkpoint;
    return { namespace: metadata.namespace, identityHash: identityHash(spec.identity), uid: metadata.uid };
  }

  get #staging(): string {
    return `${this.#agent.store}/${stagingPath(this.#ref)}`;
  }

  get #final(): string {
    return `${this.#agent.store}/${artifactPath(this.#ref)}`;
  }

  /** Throws when kubectl has ended with an error, so that nobody waits for it to read on. */
  async #refused(): Promise<void> {
    await this.#done('write to the store', this.#run);
    throw new Error('write to the store: kubectl ended before it had read everything');
  }

  async #in(doing: string, command: readonly string[]): Promise<void> {
    const run = this.#session.kubectl(execArgs(this.#agent, command));
    run.stdin.end();
    const [printed, { code, stderr }] = await Promise.all([text(run.stdout), run.ended]);
    if (code !== 0) throw this.#failure(doing, stderr || printed || `exit ${code}`);
  }

  async #done(doing: string, { ended }: KubectlRun): Promise<void> {
    const { code, stderr } = await ended;
    if (code !== 0) throw this.#failure(doing, stderr || `exit ${code}`);
  }

  #failure(doing: string, why: string): TerminalError {
    return new TerminalError('StoreRefused', `${doing} through pod ${this.#agent.name}: ${why}`);
  }

  #status(manifest: Manifest, digest: string): CheckpointStatus {
    const {
      source,
      container,
      sizeBytes,
      dump: { wake },
    } = manifest;
    const { nodeName, architecture, kernel, criuVersion } = source;
    const { image, imageDigest, podName } = container;
    return {
      phase: 'Ready',
      message: '',
      identityHash: this.#ref.identityHash,
      location: artifactPath(this.#ref),
      storageType: 'pvc',
      podName,
      createdAt: isoSeconds(this.#session.world.clock.now()),
      artifact: {
        ...{ uid: this.#ref.uid, digest, sizeBytes, size: humanBytes(sizeBytes) },
        // A clone that nobody wakes serves nobody.
        ...(wake === undefined ? {} : { wake }),
      },
      source: { nodeName, podName, image, imageDigest, architecture, kernel, criuVersion },
      progress: { step: 'done', summary: 'done' },
    };
  }
}
