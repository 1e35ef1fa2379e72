/** Does what was decided about a DynamoCheckpoint. */
import { isDeepStrictEqual } from 'node:util';
import type { CheckpointStatus, DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { explain, TerminalError, unreachable } from '@dynamo-snapshot/api/errors';
import { API_VERSION, ARTIFACT_FINALIZER, CHECKPOINT, label, reason } from '@dynamo-snapshot/api/names';
import type { Ref } from '@dynamo-snapshot/controller/api';
import { statusOf } from '@dynamo-snapshot/controller/api';
import type { Outcome } from '@dynamo-snapshot/controller/queue';
import type { Assignment } from '../assignment/build';
import { captureAssignment, deleteAssignment } from '../assignment/build';
import type { Parts } from '../parts';
import { assignmentRef, checkpointRef, checkpointTarget } from '../parts';
import { checkpointJob, jobName } from './job';
import type { Observed } from './observe';
import type { CapturePlan, EndPlan, Plan } from './plan';
import type { Change } from './status';
import { captured, capturing, changed, failed, jobCompleted, jobMade, waiting } from './status';

/** The API server does not take the job: bad input, which no retry makes good. */
const REFUSED = [400, 422];
const GONE_OR_CHANGED = [404, 409];
const FORBIDDEN = 403;
const BEHIND_MS = 200;

export class Applier {
  readonly #parts: Parts;
  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async apply(plan: Plan, seen: Observed): Promise<Outcome | undefined> {
    switch (plan.do) {
      case 'nothing':
        return later(plan.requeueAfterMs);
      case 'jobCompleted':
      case 'endJob':
      case 'cancelCapture':
      case 'assignDelete':
      case 'tellDeleteFailed':
      case 'deleteAgain':
      case 'release':
        return this.#end(plan, seen);
      default:
        return this.#capture(plan, seen);
    }
  }

  async #capture(plan: CapturePlan, seen: Observed): Promise<Outcome | undefined> {
    const { checkpoint, hash } = seen;
    switch (plan.do) {
      case 'addFinalizer':
        return this.#addFinalizer(seen);
      case 'createJob':
        return this.#createJob(seen);
      case 'assignCapture': {
        const { nodeName, pod, container } = plan.target;
        const target = { nodeName, pod, container };
        const message = `capturing pod ${pod.name}`;
        await this.#assign(captureAssignment(checkpoint, hash, target));
        return this.#tell(checkpoint, 'Normal', reason.captureRequested, message);
      }
      case 'wait':
        await this.#write(seen, waiting(checkpoint, plan.reason, plan.message));
        return plan.warn ? this.#tell(checkpoint, 'Warning', plan.reason, plan.message) : undefined;
      case 'progress':
        await this.#write(seen, capturing(plan.capture, plan.message));
        return later(plan.requeueAfterMs);
      case 'ready':
        return this.#ready(plan, seen);
      case 'fail':
        return this.#fail(seen, plan.reason, plan.message);
      default:
        return unreachable(plan);
    }
  }

  /** What comes after the artifact. */
  async #end(plan: EndPlan, seen: Observed): Promise<Outcome | undefined> {
    const { api } = this.#parts;
    const { namespace, name } = seen.checkpoint.metadata;
    switch (plan.do) {
      case 'jobCompleted':
        await this.#write(seen, jobCompleted());
        return undefined;
      case 'endJob':
        await api.delete(jobRef(namespace, jobName(name)));
        return undefined;
      case 'cancelCapture':
        await api.patch(assignmentRef(namespace, plan.capture.metadata.name), { spec: { cancelled: true } });
        return undefined;
      case 'assignDelete':
        return this.#assignDelete(seen, plan.nodeName);
      case 'tellDeleteFailed':
        await this.#tell(seen.checkpoint, 'Warning', reason.artifactDeleteFailed, plan.message);
        return later(plan.requeueAfterMs);
      case 'deleteAgain':
        await api.delete(assignmentRef(namespace, plan.deletion.metadata.name));
        return undefined;
      case 'release':
        return this.#release(seen);
      default:
        return unreachable(plan);
    }
  }

  /** Nothing can be made in a namespace that is being deleted: the artifact stays, rather than the namespace for ever. */
  async #assignDelete(seen: Observed, nodeName: string): Promise<Outcome | undefined> {
    const { checkpoint, hash } = seen;
    try {
      await this.#assign(deleteAssignment(checkpoint, hash, nodeName));
    } catch (error) {
      if (statusOf(error) !== FORBIDDEN || !explain(error).includes('being terminated')) throw error;
      const location = checkpoint.status?.location ?? '';
      this.#parts.log.warn(`artifact ${location} stays in the store: its namespace is being deleted`);
      return this.#release(seen);
    }
    return this.#tell(checkpoint, 'Normal', reason.artifactDeleting, `on node ${nodeName}`);
  }

  async #release({ checkpoint, deletion }: Observed): Promise<Outcome | undefined> {
    const { namespace, finalizers = [] } = checkpoint.metadata;
    const kept = finalizers.filter((f) => f !== ARTIFACT_FINALIZER);
    const again = await this.#patchMetadata(checkpoint, { finalizers: kept });
    if (again === undefined && deletion !== undefined)
      await this.#parts.api.delete(assignmentRef(namespace, deletion.metadata.name));
    return again;
  }

  /** With the label by which upstream's tools find a checkpoint. */
  async #addFinalizer({ checkpoint, hash }: Observed): Promise<Outcome | undefined> {
    const finalizers = [...(checkpoint.metadata.finalizers ?? []), ARTIFACT_FINALIZER];
    return this.#patchMetadata(checkpoint, { finalizers, labels: { [label.checkpointHash]: hash } });
  }

  /** A cache that is behind is no failure: the object comes back when it has caught up. */
  async #patchMetadata({ metadata }: DynamoCheckpoint, change: object): Promise<Outcome | undefined> {
    const { namespace, name, resourceVersion } = metadata;
    try {
      await this.#parts.api.patch(checkpointRef(namespace, name), {
        metadata: { ...change, resourceVersion },
      });
      return undefined;
    } catch (error) {
      if (!GONE_OR_CHANGED.includes(statusOf(error) ?? 0)) throw error;
      return later(BEHIND_MS);
    }
  }

  async #createJob(seen: Observed): Promise<Outcome | undefined> {
    const { checkpoint, hash } = seen;
    const { seccompProfile } = this.#parts.config;
    try {
      const job = checkpointJob(checkpoint, { identityHash: hash, seccompProfile });
      await this.#parts.api.createJob(checkpoint.metadata.namespace, job);
    } catch (error) {
      if (error instanceof TerminalError) return this.#fail(seen, error.reason, error.message);
      if (!REFUSED.includes(statusOf(error) ?? 0)) throw error;
      return this.#fail(seen, reason.invalidSpec, explain(error));
    }
    await this.#write(seen, jobMade(jobName(checkpoint.metadata.name)));
    return undefined;
  }

  async #ready(plan: Extract<CapturePlan, { do: 'ready' }>, seen: Observed): Promise<undefined> {
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

const later = (requeueAfterMs: number | undefined): Outcome | undefined =>
  requeueAfterMs === undefined ? undefined : { requeueAfterMs };

const jobRef = (namespace: string, name: string): Ref => ({
  group: 'batch',
  version: 'v1',
  plural: 'jobs',
  namespace,
  name,
});
