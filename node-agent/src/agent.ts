/** The node agent: every assignment of its node becomes a journaled operation, whose state it mirrors into the assignment. */
import type { FSWatcher } from 'node:fs';
import { mkdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { operations } from '@dynamo-snapshot/api/assignment';
import { explain } from '@dynamo-snapshot/api/errors';
import { ASSIGNMENT, GROUP, VERSION } from '@dynamo-snapshot/api/names';
import type { Clock } from '@dynamo-snapshot/api/time';
import type { Api } from '@dynamo-snapshot/controller/api';
import type { Informer } from '@dynamo-snapshot/controller/informer';
import { keyOf } from '@dynamo-snapshot/controller/watched';
import type { Log } from '@dynamo-snapshot/controller/log';
import type { Metrics } from '@dynamo-snapshot/controller/metrics';
import { measureDepth, measured } from '@dynamo-snapshot/controller/metrics';
import { LevelOperator } from '@dynamo-snapshot/controller/operator';
import type { Outcome } from '@dynamo-snapshot/controller/queue';
import { WorkQueue } from '@dynamo-snapshot/controller/queue';
import type { KubeConfig } from '@kubernetes/client-node';
import { Applier } from './assignment/apply';
import type { RuntimeWatch } from './assignment/awaited';
import { decide } from './assignment/decide';
import { beginAtZero } from './assignment/measure';
import { observe } from './assignment/observe';
import type { AgentConfig } from './config';
import { JournalEntry } from './journal/entry';
import { countUnreadable, readJournal } from './journal/journal';

/** In the place of a namespace, where a journal entry does not say whose it is. */
const UNKNOWN = 'unreadable';

export interface AgentParts {
  readonly kube: KubeConfig;
  readonly api: Api;
  readonly config: AgentConfig;
  readonly log: Log;
  readonly clock: Clock;
  readonly runtimeAnswers: () => Promise<boolean>;
  readonly storeIsThere: () => Promise<boolean>;
  readonly runtime: RuntimeWatch;
  readonly metrics: Metrics;
}

export class Agent extends LevelOperator {
  readonly #parts: AgentParts;
  readonly #queue: WorkQueue;
  readonly #applier: Applier;
  readonly #watchers = new Map<string, FSWatcher>();
  /** Assignment key -> UID of its journal entry. */
  readonly #entries = new Map<string, string>();
  #assignments: Informer<SnapshotAssignment> | undefined;

  constructor(parts: AgentParts) {
    super(parts.kube, parts.log);
    this.#parts = parts;
    beginAtZero(parts.metrics);
    const reconcile = (key: string) => this.#reconcile(key);
    const { log, metrics } = parts;
    const name = 'assignment';
    this.#queue = new WorkQueue({ name, reconcile, log, ...measured(metrics, name) });
    this.#applier = new Applier({ ...parts, wake: (key) => this.#queue.add(key) });
  }

  protected override async init(): Promise<void> {
    const { config } = this.#parts;
    mkdirSync(config.journal, { recursive: true, mode: 0o700 });
    this.#assignments = this.watch<SnapshotAssignment>(
      {
        group: GROUP,
        version: VERSION,
        plural: ASSIGNMENT.plural,
        namespace: config.watchNamespace,
        fieldSelector: `spec.nodeName=${config.nodeName}`,
      },
      this.#queue,
      (assignment) => [keyOf(assignment)],
    );
    const begun = readJournal(config.journal, this.#parts.log);
    // A source may stand still: this does not wait for the API server.
    await Promise.all(begun.map(({ key = UNKNOWN, entry }) => this.#settle(key, entry)));
    await this.begin();
    for (const { uid, key = this.#keyOf(uid) } of begun) {
      this.#entries.set(key, uid);
      this.#queue.add(key);
    }
  }

  /** Of an entry that does not say it: the assignment with that UID, or nobody's. */
  #keyOf(uid: string): string {
    const found = this.#assignments?.list().find((a) => a.metadata.uid === uid);
    return found === undefined ? `${UNKNOWN}/${uid}` : keyOf(found);
  }

  /** What has died while there was no agent. A failure comes back with the queue. */
  async #settle(key: string, entry: JournalEntry): Promise<void> {
    try {
      if (decide(observe(undefined, entry), 0).do !== 'recover') return;
      await this.#applier.apply({ do: 'recover' }, { key, uid: entry.uid, entry });
    } catch (error) {
      this.#parts.log.error(explain(error), { assignment: key });
    }
  }

  /** Gauges are set when somebody looks. */
  measure(): void {
    const { metrics } = this.#parts;
    measureDepth(metrics, { assignment: this.#queue });
    const asked = [...this.#entries.values()].map((uid) => this.#entry(uid).asked()?.request.operation);
    for (const operation of operations)
      metrics.inFlight.set({ operation }, asked.filter((o) => o === operation).length);
    metrics.unreadableEntries.set(countUnreadable(this.#parts.config.journal));
  }

  override async shutdown(): Promise<void> {
    for (const watcher of this.#watchers.values()) watcher.close();
    await super.shutdown();
  }

  async #reconcile(key: string): Promise<Outcome | undefined> {
    const assignment = this.#assignments?.get(key);
    const uid = this.#entries.get(key) ?? assignment?.metadata.uid;
    if (uid === undefined) return undefined;
    const entry = this.#entry(uid);
    const current = assignment?.metadata.uid === uid ? assignment : undefined;
    const plan = decide(observe(current, entry), this.#parts.clock.now());
    const begins = plan.do === 'start' || plan.do === 'refuse';
    if (begins) this.#entries.set(key, uid);
    const outcome = await this.#applier.apply(plan, {
      key,
      uid,
      entry,
      ...(current ? { assignment: current } : {}),
    });
    if (!entry.exists && !begins) this.#release(key, uid);
    else this.#follow(key, entry);
    return outcome;
  }

  /** A new object of the same name may be waiting behind the one that is done. */
  #release(key: string, uid: string): void {
    this.#watchers.get(key)?.close();
    this.#watchers.delete(key);
    this.#entries.delete(key);
    const now = this.#assignments?.get(key);
    if (now !== undefined && now.metadata.uid !== uid) this.#queue.add(key);
  }

  #follow(key: string, entry: JournalEntry): void {
    if (this.#watchers.has(key) || !entry.exists) return;
    this.#watchers.set(
      key,
      watch(entry.dir, () => this.#queue.add(key)),
    );
  }

  #entry(uid: string): JournalEntry {
    return new JournalEntry(join(this.#parts.config.journal, uid));
  }
}
