/** Which objects feed which queue. Every replica watches; the one that leads works (docs/adr/0031). */
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { ASSIGNMENT, CHECKPOINT, GROUP, VERSION } from '@dynamo-snapshot/api/names';
import type { Informer } from '@dynamo-snapshot/controller/informer';
import { keyOf } from '@dynamo-snapshot/controller/watched';
import type { Lookup } from '@dynamo-snapshot/controller/lookup';
import { measureDepth, measured } from '@dynamo-snapshot/controller/metrics';
import { LevelOperator } from '@dynamo-snapshot/controller/operator';
import type { Outcome } from '@dynamo-snapshot/controller/queue';
import { WorkQueue } from '@dynamo-snapshot/controller/queue';
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import { Agents } from './assignment/agents';
import { apply as applyAssignment } from './assignment/apply';
import { decide as decideAssignment } from './assignment/decide';
import { Applier } from './checkpoint/apply';
import { decide as decideCheckpoint } from './checkpoint/decide';
import { observe as observeCheckpoint } from './checkpoint/observe';
import { beginAtZero, setGauges } from './gauges';
import { apply as applyLeaving } from './leaving/apply';
import { decide as decideLeaving } from './leaving/decide';
import { observe as observeLeaving } from './leaving/observe';
import {
  checkpointTerms,
  hashOf,
  identityTerm,
  identityTerms,
  nodeTerms,
  podTerms,
  targetTerms,
  waitingTerms,
} from './lookups';
import type { Caches, Parts } from './parts';
import { apply as applyRestore } from './restore/apply';
import { decide as decideRestore } from './restore/decide';
import { asks, observe as observeRestore } from './restore/observe';
import { StandbyKeeper } from './standby/keeper';
import { concerns, mountTerms, wants } from './standby/observe';

const KEYS_AT_ONCE = 8;

interface Watches {
  readonly checkpoints: Informer<DynamoCheckpoint>;
  readonly assignments: Informer<SnapshotAssignment>;
  readonly jobs: Informer<V1Job>;
  readonly pods: Informer<V1Pod>;
  readonly agentPods: Informer<V1Pod>;
  readonly waiting: Lookup<DynamoCheckpoint>;
  readonly onNode: Lookup<SnapshotAssignment>;
  /** By the UID of the pod. */
  readonly ofPod: Lookup<SnapshotAssignment>;
}

export class SnapshotOperator extends LevelOperator {
  readonly #parts: Parts;
  readonly #applier: Applier;
  readonly #agents: Agents;
  readonly #checkpoints: WorkQueue;
  readonly #assignments: WorkQueue;
  readonly #restores: WorkQueue;
  /** Assignments whose pod may leave. */
  readonly #leaving: WorkQueue;
  /** Namespaces, for the program of their placeholders. */
  readonly #standby: WorkQueue;
  readonly #keeper: StandbyKeeper | undefined;
  #watches: Watches | undefined;
  #caches: Caches | undefined;

  constructor(parts: Parts) {
    super(parts.kube, parts.log);
    this.#parts = parts;
    beginAtZero(parts.metrics);
    this.#agents = new Agents(parts.clock);
    this.#applier = new Applier(parts);
    this.#checkpoints = this.#queue('checkpoint', (key) => this.#reconcileCheckpoint(key));
    this.#assignments = this.#queue('assignment', (key) => this.#reconcileAssignment(key));
    this.#restores = this.#queue('restore', (key) => this.#reconcileRestore(key));
    this.#leaving = this.#queue('leaving', (key) => this.#reconcileLeaving(key));
    this.#standby = this.#queue('standby', (namespace) => this.#reconcileStandby(namespace));
    const { kube, program, log, clock } = parts;
    this.#keeper = program && new StandbyKeeper(kube, program, log, clock);
  }

  #queue(name: string, reconcile: (key: string) => Promise<Outcome | undefined>): WorkQueue {
    const { log, metrics } = this.#parts;
    const concurrency = KEYS_AT_ONCE;
    return new WorkQueue({ name, reconcile, log, concurrency, paused: true, ...measured(metrics, name) });
  }

  protected override async init(): Promise<void> {
    const { watchNamespace: namespace, ownNamespace, agentSelector } = this.#parts.config;
    const ours = { group: GROUP, version: VERSION, namespace };
    const checkpoints = this.inform<DynamoCheckpoint>({ ...ours, plural: CHECKPOINT.plural });
    const assignments = this.inform<SnapshotAssignment>({ ...ours, plural: ASSIGNMENT.plural });
    const jobs = this.inform<V1Job>({ group: 'batch', version: 'v1', plural: 'jobs', namespace });
    const pods = this.inform<V1Pod>({ group: '', version: 'v1', plural: 'pods', namespace });
    const agentPods = this.inform<V1Pod>({
      group: '',
      version: 'v1',
      plural: 'pods',
      namespace: ownNamespace,
      labelSelector: agentSelector,
    });
    const waiting = checkpoints.lookup(waitingTerms);
    const onNode = assignments.lookup(nodeTerms);
    const ofPod = assignments.lookup(targetTerms);
    const caches = {
      checkpoints,
      assignments,
      pods,
      jobs,
      byIdentity: checkpoints.lookup(identityTerms),
      assignmentsOf: assignments.lookup(checkpointTerms),
      podsBy: pods.lookup(podTerms),
      mounting: pods.lookup(mountTerms),
      agents: this.#agents,
    };
    this.#watches = { checkpoints, assignments, jobs, pods, agentPods, waiting, onNode, ofPod };
    this.#listen(this.#watches, caches);
    await this.begin();
    // Only now is every cache whole: what is absent from it does not exist.
    this.#caches = caches;
  }

  #listen(
    { checkpoints, assignments, jobs, pods, agentPods, waiting, onNode, ofPod }: Watches,
    caches: Caches,
  ): void {
    checkpoints.onChange((change, c) => {
      this.#checkpoints.add(keyOf(c));
      if (change !== 'MODIFIED' || !wants(c)) this.#standby.add(c.metadata.namespace);
      // One that comes, fails or goes may free an identity for another.
      for (const other of caches.byIdentity.get(identityTerm(c.metadata.namespace, hashOf(c))))
        if (other.status?.capture?.outcome === undefined) this.#checkpoints.add(keyOf(other));
      this.#addRestores(c.metadata.namespace);
    });
    assignments.onChange((_, a) => {
      this.#leaving.add(keyOf(a));
      this.#checkpoints.add(`${a.metadata.namespace}/${a.spec.checkpoint.name}`);
      this.#assignments.add(keyOf(a));
      if (a.spec.operation !== 'Capture' && a.spec.pod)
        this.#restores.add(`${a.metadata.namespace}/${a.spec.pod.name}`);
    });
    jobs.onChange((_, job) => {
      for (const owner of job.metadata?.ownerReferences ?? [])
        if (owner.kind === CHECKPOINT.kind)
          this.#checkpoints.add(`${job.metadata?.namespace ?? ''}/${owner.name}`);
    });
    pods.onChange((change, pod) => {
      if (concerns(change, pod)) this.#standby.add(pod.metadata?.namespace ?? '');
      for (const term of podTerms(pod)) for (const c of waiting.get(term)) this.#checkpoints.add(keyOf(c));
      for (const a of ofPod.get(pod.metadata?.uid ?? '')) this.#leaving.add(keyOf(a));
      if (asks(pod)) this.#restores.add(keyOf(pod));
    });
    agentPods.onChange((change, pod) => {
      const node = this.#agents.see(change, pod);
      if (node !== undefined) for (const a of onNode.get(node)) this.#assignments.add(keyOf(a));
    });
  }

  /** Works until the term ends. What came before is looked at now. */
  async lead(term: AbortSignal): Promise<void> {
    const queues = [this.#checkpoints, this.#assignments, this.#restores, this.#leaving, this.#standby];
    this.#keeper?.begin();
    for (const queue of queues) queue.resume();
    this.#addAll();
    await new Promise<void>((resolve) => {
      if (term.aborted) resolve();
      else term.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.all(queues.map((queue) => queue.drain()));
  }

  #addAll(): void {
    for (const checkpoint of this.#watches?.checkpoints.list() ?? []) {
      this.#checkpoints.add(keyOf(checkpoint));
      this.#standby.add(checkpoint.metadata.namespace);
    }
    for (const assignment of this.#watches?.assignments.list() ?? [])
      for (const queue of [this.#assignments, this.#leaving]) queue.add(keyOf(assignment));
    for (const pod of this.#watches?.pods.list() ?? []) {
      if (asks(pod)) this.#restores.add(keyOf(pod));
      if (concerns('ADDED', pod)) this.#standby.add(pod.metadata?.namespace ?? '');
    }
  }

  #addRestores(namespace: string): void {
    const pods = (this.#caches?.pods.list() ?? []).filter((p) => p.metadata?.namespace === namespace);
    for (const pod of pods) if (asks(pod)) this.#restores.add(keyOf(pod));
  }

  /** Gauges are set when somebody looks. */
  measure(leading: boolean): void {
    const { metrics } = this.#parts;
    setGauges(metrics, leading, {
      checkpoints: this.#watches?.checkpoints.list() ?? [],
      assignments: this.#watches?.assignments.list() ?? [],
      agents: this.#agents,
    });
    measureDepth(metrics, {
      checkpoint: this.#checkpoints,
      assignment: this.#assignments,
      restore: this.#restores,
      leaving: this.#leaving,
      standby: this.#standby,
    });
  }

  async #reconcileCheckpoint(key: string): Promise<Outcome | undefined> {
    const checkpoint = this.#caches?.checkpoints.get(key);
    if (checkpoint === undefined || this.#caches === undefined) return undefined;
    const seen = observeCheckpoint(checkpoint, this.#caches);
    return this.#applier.apply(decideCheckpoint(seen, this.#parts.clock.now()), seen);
  }

  async #reconcileAssignment(key: string): Promise<Outcome | undefined> {
    const assignment = this.#caches?.assignments.get(key);
    if (assignment === undefined) return undefined;
    const { nodeName } = assignment.spec;
    const { clock, config } = this.#parts;
    const agent = this.#agents.state(nodeName);
    const silenceMs = this.#agents.silence(nodeName);
    const lostAfterMs = config.nodeLostSeconds * 1000;
    const plan = decideAssignment({ assignment, agent, silenceMs, lostAfterMs }, clock.now());
    return applyAssignment(plan, assignment, this.#parts);
  }

  async #reconcileRestore(key: string): Promise<Outcome | undefined> {
    const pod = this.#caches?.pods.get(key);
    if (pod === undefined || this.#caches === undefined || pod.metadata?.deletionTimestamp !== undefined)
      return undefined;
    const seen = observeRestore(pod, this.#caches);
    if (seen === undefined) return undefined;
    return applyRestore(decideRestore(seen, this.#parts.clock.now()), pod, seen, this.#parts);
  }

  async #reconcileStandby(namespace: string): Promise<Outcome | undefined> {
    return this.#caches && this.#keeper?.reconcile(namespace, this.#caches);
  }

  async #reconcileLeaving(key: string): Promise<undefined> {
    const assignment = this.#caches?.assignments.get(key);
    if (assignment === undefined || this.#caches === undefined) return;
    await applyLeaving(decideLeaving(observeLeaving(assignment, this.#caches)), assignment, this.#parts);
  }
}
