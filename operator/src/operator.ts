/** Which objects feed which queue. */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { ASSIGNMENT, CHECKPOINT, GROUP, VERSION } from '@dynamo-snapshot/api/names';
import { keyOf } from '@dynamo-snapshot/controller/informer';
import { LevelOperator } from '@dynamo-snapshot/controller/operator';
import type { Outcome } from '@dynamo-snapshot/controller/queue';
import { WorkQueue } from '@dynamo-snapshot/controller/queue';
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import { Applier } from './checkpoint/apply';
import { decide as decideCheckpoint } from './checkpoint/decide';
import { observe as observeCheckpoint } from './checkpoint/observe';
import { apply as applyLeaving } from './leaving/apply';
import { decide as decideLeaving } from './leaving/decide';
import { observe as observeLeaving } from './leaving/observe';
import type { Caches, Parts } from './parts';
import { apply as applyRestore } from './restore/apply';
import { decide as decideRestore } from './restore/decide';
import { observe as observeRestore, wantedCheckpoint } from './restore/observe';

const KEYS_AT_ONCE = 8;

export class SnapshotOperator extends LevelOperator {
  readonly #parts: Parts;
  readonly #applier: Applier;
  readonly #checkpoints: WorkQueue;
  readonly #restores: WorkQueue;
  /** Assignments whose pod may leave. */
  readonly #leaving: WorkQueue;
  #caches: Caches | undefined;

  constructor(parts: Parts) {
    super(parts.kube, parts.log);
    const { log } = parts;
    this.#parts = parts;
    this.#applier = new Applier(parts);
    const checkpoint = (key: string) => this.#reconcileCheckpoint(key);
    const restore = (key: string) => this.#reconcileRestore(key);
    this.#checkpoints = new WorkQueue({
      name: 'checkpoint',
      reconcile: checkpoint,
      log,
      concurrency: KEYS_AT_ONCE,
    });
    this.#restores = new WorkQueue({ name: 'restore', reconcile: restore, log, concurrency: KEYS_AT_ONCE });
    const leaving = (key: string) => this.#reconcileLeaving(key);
    this.#leaving = new WorkQueue({ name: 'leaving', reconcile: leaving, log });
  }

  protected override async init(): Promise<void> {
    const namespace = this.#parts.config.watchNamespace;
    const ours = { group: GROUP, version: VERSION, namespace };
    const checkpoints = this.watch<DynamoCheckpoint>(
      { ...ours, plural: CHECKPOINT.plural },
      this.#checkpoints,
      (c) => [keyOf(c), ...this.#ofNamespace(c.metadata.namespace)],
    );
    const assignments = this.watch<SnapshotAssignment>(
      { ...ours, plural: ASSIGNMENT.plural },
      this.#checkpoints,
      (a) => [`${a.metadata.namespace}/${a.spec.checkpoint.name}`],
    );
    const jobs = this.watch<V1Job>(
      { group: 'batch', version: 'v1', plural: 'jobs', namespace },
      this.#checkpoints,
      (job) =>
        (job.metadata?.ownerReferences ?? [])
          .filter((o) => o.kind === CHECKPOINT.kind)
          .map((o) => `${job.metadata?.namespace ?? ''}/${o.name}`),
    );
    const pods = this.watch<V1Pod>(
      { group: '', version: 'v1', plural: 'pods', namespace },
      this.#checkpoints,
      (pod) => this.#waitingFor(pod),
    );
    checkpoints.onChange((_, c) => this.#addRestores(c.metadata.namespace));
    assignments.onChange((_, a) => {
      this.#leaving.add(keyOf(a));
      if (a.spec.operation === 'Restore' && a.spec.pod)
        this.#restores.add(`${a.metadata.namespace}/${a.spec.pod.name}`);
    });
    pods.onChange((_, pod) => {
      for (const a of this.#assignmentsOf(pod)) this.#leaving.add(keyOf(a));
      if (wantedCheckpoint(pod) !== undefined) this.#restores.add(keyOf(pod));
    });
    await this.begin();
    // Only now is every cache whole: what is absent from it does not exist. What came before is looked at now.
    this.#caches = { checkpoints, assignments, pods, jobs };
    for (const checkpoint of checkpoints.list()) this.#checkpoints.add(keyOf(checkpoint));
    for (const assignment of assignments.list()) this.#leaving.add(keyOf(assignment));
    for (const pod of pods.list()) if (wantedCheckpoint(pod) !== undefined) this.#restores.add(keyOf(pod));
  }

  /** A checkpoint that comes, fails or goes may free an identity for another. */
  #ofNamespace(namespace: string): readonly string[] {
    return this.#unfinished(namespace).map(keyOf);
  }

  /** Checkpoints that may wait for this pod. */
  #waitingFor(pod: V1Pod): readonly string[] {
    return this.#ofNamespace(pod.metadata?.namespace ?? '');
  }

  #unfinished(namespace: string): readonly DynamoCheckpoint[] {
    return (this.#caches?.checkpoints.list() ?? [])
      .filter((c) => c.metadata.namespace === namespace)
      .filter((c) => c.status?.phase !== 'Ready' && c.status?.phase !== 'Failed');
  }

  #assignmentsOf({ metadata }: V1Pod): readonly SnapshotAssignment[] {
    return (this.#caches?.assignments.list() ?? []).filter((a) => a.spec.pod?.uid === metadata?.uid);
  }

  #addRestores(namespace: string): void {
    const pods = (this.#caches?.pods.list() ?? []).filter((p) => p.metadata?.namespace === namespace);
    for (const pod of pods) if (wantedCheckpoint(pod) !== undefined) this.#restores.add(keyOf(pod));
  }

  async #reconcileCheckpoint(key: string): Promise<Outcome | undefined> {
    const checkpoint = this.#caches?.checkpoints.get(key);
    if (checkpoint === undefined || this.#caches === undefined) return undefined;
    const seen = observeCheckpoint(checkpoint, this.#caches);
    return this.#applier.apply(decideCheckpoint(seen, this.#parts.clock.now()), seen);
  }

  async #reconcileRestore(key: string): Promise<undefined> {
    const pod = this.#caches?.pods.get(key);
    if (pod === undefined || this.#caches === undefined || pod.metadata?.deletionTimestamp !== undefined)
      return;
    const seen = observeRestore(pod, this.#caches);
    if (seen !== undefined) await applyRestore(decideRestore(seen), pod, this.#parts);
  }

  async #reconcileLeaving(key: string): Promise<undefined> {
    const assignment = this.#caches?.assignments.get(key);
    if (assignment === undefined || this.#caches === undefined) return;
    await applyLeaving(decideLeaving(observeLeaving(assignment, this.#caches)), assignment, this.#parts);
  }
}
