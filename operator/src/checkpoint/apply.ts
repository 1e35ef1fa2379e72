/** Does what was decided about a DynamoCheckpoint. */
import { TerminalError, unreachable } from '@dynamo-snapshot/api/errors';
import { ARTIFACT_FINALIZER, label, reason } from '@dynamo-snapshot/api/names';
import { statusOf, words } from '@dynamo-snapshot/controller/api';
import type { Outcome } from '@dynamo-snapshot/controller/queue';
import { captureAssignment } from '../assignment/build';
import type { Parts } from '../parts';
import { podTarget } from '../parts';
import { Ender } from './apply-end';
import { jobName } from './capture';
import { checkpointJob } from './job';
import type { Observed } from './observe';
import type { CapturePlan, Plan } from './plan';
import { begun, captured, capturing, failed, jobMade, waiting } from './status';
import { later, Writer } from './write';

/** The API server does not take the job: bad input, which no retry makes good. */
const REFUSED = [400, 422];
/** A quota, a policy or a right: somebody may change it, and nothing tells us. */
const FORBIDDEN = 403;
const ALLOWED_AGAIN_MS = 30_000;
const FIRST = { version: 1, attempt: 1 } as const;

export class Applier {
  readonly #parts: Parts;
  readonly #write: Writer;
  readonly #ender: Ender;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#write = new Writer(parts);
    this.#ender = new Ender(parts, this.#write);
  }

  async apply(plan: Plan, seen: Observed): Promise<Outcome | undefined> {
    switch (plan.do) {
      case 'nothing':
        return later(plan.requeueAfterMs);
      case 'addFinalizer':
      case 'begin':
      case 'createJob':
      case 'assignCapture':
      case 'wait':
      case 'progress':
      case 'ready':
      case 'fail':
        return this.#capture(plan, seen);
      default:
        return this.#ender.apply(plan, seen);
    }
  }

  async #capture(plan: CapturePlan, seen: Observed): Promise<Outcome | undefined> {
    const { checkpoint } = seen;
    switch (plan.do) {
      case 'addFinalizer':
        return this.#addFinalizer(seen);
      case 'begin':
        await this.#write.status(seen, begun(checkpoint, plan.request, plan.message));
        if (plan.message === '') return undefined;
        return this.#write.tell(checkpoint, 'Normal', reason.captureRestarted, plan.message);
      case 'createJob':
        return this.#createJob(seen);
      case 'assignCapture':
        return this.#assign(seen, plan);
      case 'wait':
        await this.#write.status(seen, waiting(checkpoint, plan.reason, plan.message));
        return plan.warn ? this.#write.tell(checkpoint, 'Warning', plan.reason, plan.message) : undefined;
      case 'progress': {
        await this.#write.status(seen, capturing(checkpoint, plan));
        const { trouble } = plan;
        if (trouble !== undefined)
          await this.#write.tell(checkpoint, 'Warning', trouble.reason, trouble.message);
        return later(plan.requeueAfterMs);
      }
      case 'ready':
        return this.#ready(plan, seen);
      case 'fail':
        return this.#fail(seen, plan.reason, plan.message);
      default:
        return unreachable(plan);
    }
  }

  /** With the label by which upstream's tools find a checkpoint. */
  async #addFinalizer({ checkpoint, hash }: Observed): Promise<Outcome | undefined> {
    const finalizers = [...(checkpoint.metadata.finalizers ?? []), ARTIFACT_FINALIZER];
    return this.#write.metadata(checkpoint, { finalizers, labels: { [label.checkpointHash]: hash } });
  }

  async #assign(
    { checkpoint, hash, request }: Observed,
    { target, quiesce }: Extract<CapturePlan, { do: 'assignCapture' }>,
  ): Promise<undefined> {
    const { nodeName, pod, container } = target;
    if (request === undefined) return;
    const order = captureAssignment(checkpoint, hash, request, { nodeName, pod, container }, quiesce);
    await this.#write.assign(order);
    const message = `capturing container ${container.name} of pod ${pod.name} on node ${nodeName}`;
    const { namespace, name } = checkpoint.metadata;
    await this.#write.tell(checkpoint, 'Normal', reason.captureRequested, message);
    const source = podTarget(namespace, pod);
    await this.#parts.events.event(source, 'Normal', reason.captureRequested, `for DynamoCheckpoint ${name}`);
  }

  async #createJob(seen: Observed): Promise<Outcome | undefined> {
    const { checkpoint, hash, request = { key: seen.key, ...FIRST } } = seen;
    const { seccompProfile } = this.#parts.config;
    const { version } = request;
    try {
      const job = checkpointJob(checkpoint, { identityHash: hash, seccompProfile, version });
      await this.#parts.api.createJob(checkpoint.metadata.namespace, job);
    } catch (error) {
      return this.#noJob(seen, jobName(checkpoint.metadata.name, version), error);
    }
    await this.#write.status(seen, jobMade(checkpoint, jobName(checkpoint.metadata.name, version)));
    return undefined;
  }

  async #noJob(seen: Observed, name: string, error: unknown): Promise<Outcome | undefined> {
    if (error instanceof TerminalError) return this.#fail(seen, error.reason, error.message);
    const code = statusOf(error) ?? 0;
    const message = `create job ${name}: ${words(error)}`;
    if (REFUSED.includes(code)) return this.#fail(seen, reason.invalidSpec, message);
    if (code !== FORBIDDEN) throw error;
    const { checkpoint } = seen;
    await this.#write.status(seen, waiting(checkpoint, reason.jobForbidden, message));
    await this.#write.tell(checkpoint, 'Warning', reason.jobForbidden, message);
    return later(ALLOWED_AGAIN_MS);
  }

  async #ready(plan: Extract<CapturePlan, { do: 'ready' }>, seen: Observed): Promise<undefined> {
    const change = captured(seen, plan.capture, this.#parts.clock.now());
    await this.#write.status(seen, change);
    const message = `captured, ${change.more?.artifact?.size ?? ''}`;
    await this.#write.tell(seen.checkpoint, 'Normal', reason.checkpointReady, message);
    await this.#write.tellSource(seen, 'Normal', reason.captureSucceeded, message);
  }

  async #fail(seen: Observed, why: string, message: string): Promise<undefined> {
    await this.#write.status(seen, failed(seen, why, message));
    await this.#write.tell(seen.checkpoint, 'Warning', reason.checkpointFailed, `${why}: ${message}`);
    await this.#write.tellSource(seen, 'Warning', reason.captureFailed, `${why}: ${message}`);
  }
}
