/** Does what was decided about a checkpoint whose capture is over, or that leaves. */
import { explain, unreachable } from '@dynamo-snapshot/api/errors';
import { annotation, ARTIFACT_FINALIZER, reason } from '@dynamo-snapshot/api/names';
import type { Ref } from '@dynamo-snapshot/controller/api';
import { statusOf } from '@dynamo-snapshot/controller/api';
import type { Outcome } from '@dynamo-snapshot/controller/queue';
import { disposalAssignment } from '../assignment/build';
import type { Parts } from '../parts';
import { assignmentRef, checkpointRef } from '../parts';
import { disposalName, jobName } from './capture';
import type { Observed } from './observe';
import type { EndPlan } from './plan';
import { markText } from './restores';
import { jobCompleted, noted } from './status';
import type { Writer } from './write';
import { later } from './write';

const FORBIDDEN = 403;

export class Ender {
  readonly #parts: Parts;
  readonly #write: Writer;

  constructor(parts: Parts, write: Writer) {
    this.#parts = parts;
    this.#write = write;
  }

  async apply(plan: EndPlan, seen: Observed): Promise<Outcome | undefined> {
    const { api } = this.#parts;
    const { checkpoint, request } = seen;
    const { namespace, name } = checkpoint.metadata;
    switch (plan.do) {
      case 'jobCompleted':
        await this.#write.status(seen, jobCompleted());
        return undefined;
      case 'endJob':
        await api.delete(jobRef(namespace, jobName(name, request?.version)));
        return undefined;
      case 'cancelCapture':
        await api.patch(assignmentRef(namespace, plan.capture.metadata.name), { spec: { cancelled: true } });
        return undefined;
      case 'dispose':
        return this.#dispose(seen, plan);
      case 'withdraw':
        await api.delete(assignmentRef(namespace, plan.assignment.metadata.name));
        return undefined;
      case 'tell':
        await this.#write.tell(checkpoint, 'Warning', plan.reason, plan.message);
        return later(plan.requeueAfterMs);
      case 'forget':
        return this.#forget(seen, plan.artifact);
      case 'count':
        return this.#count(seen);
      case 'expire':
        return this.#expire(seen);
      case 'release':
        return this.#release(seen);
      default:
        return unreachable(plan);
    }
  }

  /** Nothing can be made in a namespace that is being deleted: the artifact stays, rather than the namespace for ever. */
  async #dispose(seen: Observed, plan: Extract<EndPlan, { do: 'dispose' }>): Promise<Outcome | undefined> {
    const { checkpoint, hash } = seen;
    try {
      await this.#write.assign(disposalAssignment(checkpoint, hash, plan));
    } catch (error) {
      if (statusOf(error) !== FORBIDDEN || !explain(error).includes('being terminated')) throw error;
      this.#parts.log.warn(`artifact ${plan.artifact} stays in the store: its namespace is being deleted`);
      return this.#release(seen);
    }
    if (plan.operation === 'Retain') return undefined;
    return this.#write.tell(checkpoint, 'Normal', reason.artifactDeleting, `on node ${plan.nodeName}`);
  }

  /** The capture that made it goes with it: it would say for ever that there is such an artifact. */
  async #forget(seen: Observed, artifact: string): Promise<undefined> {
    const { checkpoint } = seen;
    const { namespace } = checkpoint.metadata;
    const retired = (checkpoint.status?.retired ?? []).filter(({ uid }) => uid !== artifact);
    const madeBy = seen.artifacts.find(({ uid }) => uid === artifact)?.madeBy ?? [];
    for (const name of madeBy) await this.#parts.api.delete(assignmentRef(namespace, name));
    await this.#write.status(seen, noted(checkpoint, { retired }));
    await this.#parts.api.delete(assignmentRef(namespace, disposalName(checkpoint, 'Delete', artifact)));
  }

  /** Marks first: a mark that was not counted yet is found again. */
  async #count(seen: Observed): Promise<undefined> {
    const { api, metrics } = this.#parts;
    const { checkpoint, restores } = seen;
    for (const mark of restores.marks) {
      const annotations = { [annotation.counted]: markText(mark) };
      const ref = assignmentRef(checkpoint.metadata.namespace, mark.assignment);
      await api.patch(ref, { metadata: { annotations } });
      metrics.restores.inc({ outcome: mark.outcome });
    }
    await this.#write.status(seen, noted(checkpoint, { restores: { ...restores.counts } }));
  }

  async #expire({ checkpoint }: Observed): Promise<undefined> {
    const { namespace, name } = checkpoint.metadata;
    const seconds = checkpoint.spec.retention?.ttlSecondsAfterReady ?? 0;
    await this.#write.tell(
      checkpoint,
      'Normal',
      reason.checkpointExpired,
      `${seconds} s after it became Ready`,
    );
    await this.#parts.api.delete(checkpointRef(namespace, name));
  }

  async #release({ checkpoint }: Observed): Promise<Outcome | undefined> {
    const kept = (checkpoint.metadata.finalizers ?? []).filter((f) => f !== ARTIFACT_FINALIZER);
    return this.#write.metadata(checkpoint, { finalizers: kept });
  }
}

const jobRef = (namespace: string, name: string): Ref => ({
  group: 'batch',
  version: 'v1',
  plural: 'jobs',
  namespace,
  name,
});
