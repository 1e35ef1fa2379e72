/** What all plans about a checkpoint need: its status written, an event told, its metadata changed. */
import { isDeepStrictEqual } from 'node:util';
import type { CheckpointStatus, DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { API_VERSION, CHECKPOINT } from '@dynamo-snapshot/api/names';
import { statusOf } from '@dynamo-snapshot/controller/api';
import type { Outcome } from '@dynamo-snapshot/controller/queue';
import type { Assignment } from '../assignment/build';
import type { Parts } from '../parts';
import { assignmentRef, checkpointRef, checkpointTarget, podTarget } from '../parts';
import type { Observed } from './observe';
import type { Change } from './status';
import { changed } from './status';

const GONE_OR_CHANGED = [404, 409];
const BEHIND_MS = 200;

type EventType = 'Normal' | 'Warning';

export const later = (requeueAfterMs: number | undefined): Outcome | undefined =>
  requeueAfterMs === undefined ? undefined : { requeueAfterMs };

export class Writer {
  readonly #parts: Parts;
  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async status(seen: Observed, change: Change): Promise<void> {
    const { metadata, status: old } = seen.checkpoint;
    const status: CheckpointStatus = changed(seen, change, this.#parts.clock.now());
    if (isDeepStrictEqual(old, status)) return;
    const { namespace, name } = metadata;
    const body = { apiVersion: API_VERSION, kind: CHECKPOINT.kind, metadata: { name, namespace }, status };
    await this.#parts.api.applyStatus(checkpointRef(namespace, name), body);
  }

  async assign(assignment: Assignment): Promise<void> {
    const { namespace, name } = assignment.metadata;
    await this.#parts.api.apply(assignmentRef(namespace, name), assignment);
  }

  async tell(
    checkpoint: DynamoCheckpoint,
    type: EventType,
    why: string,
    message: string,
  ): Promise<undefined> {
    await this.#parts.events.event(checkpointTarget(checkpoint), type, why, message);
  }

  /** For the person who looks at the pod that is captured. */
  async tellSource(
    { checkpoint, capture }: Observed,
    type: EventType,
    why: string,
    message: string,
  ): Promise<void> {
    if (capture?.spec.pod === undefined) return;
    const { name, uid } = capture.spec.pod;
    await this.#parts.events.event(
      podTarget(checkpoint.metadata.namespace, { name, uid }),
      type,
      why,
      message,
    );
  }

  /** A cache that is behind is no failure: the object comes back when it has caught up. */
  async metadata({ metadata }: DynamoCheckpoint, change: object): Promise<Outcome | undefined> {
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
}
