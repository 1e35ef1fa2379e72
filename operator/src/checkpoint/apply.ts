/** Does what was decided about a DynamoCheckpoint. */
import { isDeepStrictEqual } from 'node:util';
import type { CheckpointStatus, DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { explain, TerminalError, unreachable } from '@dynamo-snapshot/api/errors';
import { API_VERSION, ARTIFACT_FINALIZER, CHECKPOINT, label, reason } from '@dynamo-snapshot/api/names';
import type { Outcome } from '@dynamo-snapshot/controller/queue';
import type { Assignment } from '../assignment/build';
import { captureAssignment, deleteAssignment } from '../assignment/build';
import type { Parts } from '../parts';
import { assignmentRef, checkpointRef, checkpointTarget } from '../parts';
import type { Plan } from './decide';
import { checkpointJob, jobName } from './job';
import type { Observed } from './observe';
import type { Change } from './status';
import { captured, capturing, changed, failed, jobMade, waiting } from './status';

const RETRY_DELETE_MS = 30_000;

export class Applier {
  readonly #parts: Parts;
  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async apply(plan: Plan, seen: Observed): Promise<Outcome | undefined> {
    const { checkpoint, hash } = seen;
    switch (plan.do) {
      case 'nothing':
        return plan.requeueAfterMs === undefined ? undefined : { requeueAfterMs: plan.requeueAfterMs };
      case 'addFinalizer':
        return this.#addFinalizer(seen);
      case 'createJob':
        return this.#createJob(seen);
      case 'assignCapture':
        await this.#assign(captureAssignment(checkpoint, hash, bare(plan.target)));
        return this.#tell(
          checkpoint,
          'Normal',
          reason.captureRequested,
          `capturing pod ${plan.target.pod.name}`,
        );
      case 'wait':
        await this.#write(seen, waiting(plan.reason, plan.message));
        return plan.warn ? this.#tell(checkpoint, 'Warning', plan.reason, plan.message) : undefined;
      case 'progress':
        await this.#write(seen, capturing(plan.capture, plan.message));
        return plan.requeueAfterMs === undefined ? undefined : { requeueAfterMs: plan.requeueAfterMs };
      case 'ready':
        return this.#ready(plan, seen);
      case 'fail':
        return this.#fail(seen, plan.reason, plan.message);
      default:
        return this.#end(plan, checkpoint, hash);
    }
  }

  /** The plans about leaving. */
  async #end(
    plan: Exclude<
      Plan,
      {
        do:
          'nothing' | 'addFinalizer' | 'createJob' | 'assignCapture' | 'wait' | 'progress' | 'ready' | 'fail';
      }
    >,
    checkpoint: DynamoCheckpoint,
    hash: string,
  ): Promise<Outcome | undefined> {
    const { namespace, name, finalizers = [], resourceVersion } = checkpoint.metadata;
    switch (plan.do) {
      case 'endJob':
        await this.#parts.api.delete({
          group: 'batch',
          version: 'v1',
          plural: 'jobs',
          namespace,
          name: jobName(name),
        });
        return undefined;
      case 'cancelCapture':
        await this.#parts.api.patch(assignmentRef(namespace, plan.capture.metadata.name), {
          spec: { cancelled: true },
        });
        return undefined;
      case 'assignDelete':
        await this.#assign(deleteAssignment(checkpoint, hash, plan.nodeName));
        return undefined;
      case 'tellDeleteFailed':
        await this.#tell(checkpoint, 'Warning', reason.artifactDeleteFailed, plan.message);
        return { requeueAfterMs: RETRY_DELETE_MS };
      case 'release': {
        const kept = finalizers.filter((f) => f !== ARTIFACT_FINALIZER);
        await this.#parts.api.patch(checkpointRef(namespace, name), {
          metadata: { finalizers: kept, resourceVersion },
        });
        return undefined;
      }
      default:
        return unreachable(plan);
    }
  }

  /** With the label by which upstream's tools find a checkpoint. */
  async #addFinalizer({ checkpoint, hash }: Observed): Promise<undefined> {
    const { namespace, name, finalizers = [], resourceVersion } = checkpoint.metadata;
    const labels = { [label.checkpointHash]: hash };
    const metadata = { finalizers: [...finalizers, ARTIFACT_FINALIZER], labels, resourceVersion };
    await this.#parts.api.patch(checkpointRef(namespace, name), { metadata });
  }

  async #createJob(seen: Observed): Promise<Outcome | undefined> {
    const { checkpoint, hash } = seen;
    const { seccompProfile } = this.#parts.config;
    try {
      const job = checkpointJob(checkpoint, { identityHash: hash, seccompProfile });
      await this.#parts.api.createJob(checkpoint.metadata.namespace, job);
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error;
      return this.#fail(seen, error.reason, explain(error));
    }
    await this.#write(seen, jobMade(jobName(checkpoint.metadata.name)));
    return undefined;
  }

  async #ready(plan: Extract<Plan, { do: 'ready' }>, seen: Observed): Promise<undefined> {
    const change = captured(plan.capture, this.#parts.clock.now());
    await this.#write(seen, change);
    await this.#tell(
      seen.checkpoint,
      'Normal',
      reason.checkpointReady,
      `captured, ${change.more?.artifact?.size ?? ''}`,
    );
  }

  async #fail(seen: Observed, why: string, message: string): Promise<undefined> {
    await this.#write(seen, failed(why, message));
    await this.#tell(seen.checkpoint, 'Warning', reason.checkpointFailed, `${why}: ${message}`);
  }

  async #assign(assignment: Assignment): Promise<void> {
    const { namespace, name } = assignment.metadata;
    await this.#parts.api.apply(assignmentRef(namespace, name), assignment);
  }

  async #tell(
    checkpoint: DynamoCheckpoint,
    type: 'Normal' | 'Warning',
    why: string,
    message: string,
  ): Promise<undefined> {
    await this.#parts.events.event(checkpointTarget(checkpoint), type, why, message);
  }

  async #write(seen: Observed, change: Change): Promise<void> {
    const { metadata, status: old } = seen.checkpoint;
    const status: CheckpointStatus = changed(seen, change, this.#parts.clock.now());
    if (isDeepStrictEqual(old, status)) return;
    const { namespace, name } = metadata;
    const body = { apiVersion: API_VERSION, kind: CHECKPOINT.kind, metadata: { name, namespace }, status };
    await this.#parts.api.applyStatus(checkpointRef(namespace, name), body);
  }
}

/** An assignment does not say whether the container was ready. */
const bare = ({ nodeName, pod, container }: Extract<Plan, { do: 'assignCapture' }>['target']) => ({
  nodeName,
  pod,
  container,
});
