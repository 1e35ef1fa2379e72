/** Does what was decided about an assignment. */
import { rmSync } from 'node:fs';
import type { AssignmentStatus, SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { isFinal } from '@dynamo-snapshot/api/assignment';
import { explain, reasonOf, TerminalError, unreachable } from '@dynamo-snapshot/api/errors';
import { API_VERSION, ASSIGNMENT, GROUP, VERSION } from '@dynamo-snapshot/api/names';
import type { Clock, Instant } from '@dynamo-snapshot/api/time';
import { checkAssignmentSpec } from '@dynamo-snapshot/api/validate';
import type { Api } from '@dynamo-snapshot/controller/api';
import type { Log } from '@dynamo-snapshot/controller/log';
import type { Metrics } from '@dynamo-snapshot/controller/metrics';
import type { Outcome as Requeue } from '@dynamo-snapshot/controller/queue';
import type { AgentConfig } from '../config';
import type { Outcome } from '../engine';
import type { JournalEntry, OperationFile, StopMark } from '../journal/entry';
import { groupMembers, killMembers, removeGroups } from '../journal/group';
import { setAside } from '../journal/journal';
import { mayMoveProcesses, startOperation } from '../journal/operation';
import { settleWithinMs } from '../journal/patience';
import { ReadyEngines } from '../journal/ready';
import { command } from '../linux/command';
import { isAlive } from '../linux/proc';
import type { RuntimeWatch } from './awaited';
import { Awaited } from './awaited';
import type { Plan } from './decide';
import { count } from './measure';
import type { Written } from './pace';
import { HEARTBEAT_MS, nextWriteMs } from './pace';
import { requestOf } from './request';
import { finalStatus, runningStatus, waitingStatus } from './status';

/** A group is looked at again after this: its last process may take a moment to be gone. */
const FORGET_AGAIN_MS = 200;

export interface ApplierParts {
  readonly api: Api;
  readonly config: AgentConfig;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly wake: (key: string) => void;
  readonly runtimeAnswers: () => Promise<boolean>;
  readonly storeIsThere: () => Promise<boolean>;
  readonly runtime: RuntimeWatch;
  readonly storeDevice?: number;
}

export interface Subject {
  readonly key: string;
  readonly uid: string;
  readonly entry: JournalEntry;
  readonly assignment?: SnapshotAssignment;
}

export class Applier {
  readonly #parts: ApplierParts;
  readonly #written = new Map<string, Written>();
  /** UIDs whose end is written, and may not be in the cache yet. They go when the cache shows it. */
  readonly #ended = new Set<string>();
  readonly #awaited: Awaited;
  readonly #ready: ReadyEngines;

  constructor(parts: ApplierParts) {
    this.#parts = parts;
    const ready = [process.execPath, parts.config.engine, 'ready'];
    this.#ready = new ReadyEngines(mayMoveProcesses() ? ready : undefined);
    this.#awaited = new Awaited(parts.runtime, this.#ready, parts.wake);
  }

  async apply(plan: Plan, subject: Subject): Promise<Requeue | undefined> {
    if (this.#ended.has(subject.uid) && isOpen(plan)) return undefined;
    switch (plan.do) {
      case 'nothing':
        this.#awaited.delete(subject.key);
        this.#ended.delete(subject.uid);
        return undefined;
      case 'start':
        return this.#start(subject);
      case 'refuse':
        return this.#end(subject, REFUSED);
      case 'mirror':
        return this.#mirror(subject);
      case 'stop':
        return this.#stop(subject, plan.mark);
      case 'recover':
        return this.#recover(subject);
      case 'finish':
        return this.#finish(subject);
      case 'forget':
        return this.#forget(subject);
      default:
        return unreachable(plan);
    }
  }

  async #start(subject: Subject): Promise<Requeue | undefined> {
    const { key, uid, entry, assignment } = subject;
    if (assignment === undefined) return undefined;
    const { api, config, clock, log, wake } = this.#parts;
    const { metadata, spec } = assignment;
    let operation: OperationFile;
    try {
      checkAssignmentSpec(spec);
      // Not begun, so not failed either: tried again until its runtime or its volume is back.
      if (spec.pod && !(await this.#parts.runtimeAnswers()))
        throw new Error(`${spec.operation} waits: the container runtime of this node does not answer`);
      if (!(await this.#parts.storeIsThere()))
        throw new Error(`${spec.operation} waits: the volume at ${config.store} has gone`);
      const container = await this.#awaited.look(key, spec);
      if (container !== undefined && 'waitMs' in container) return this.#wait(subject, container.waitMs);
      const pod = spec.pod && (await api.getPod(metadata.namespace, spec.pod.name));
      const request = requestOf(assignment, pod, config.store, {
        storeDevice: this.#parts.storeDevice,
        container,
      });
      const { namespace, name } = metadata;
      const deadline = clock.now() + spec.deadlineSeconds * 1000;
      operation = { request, deadline, assignment: { namespace, name, uid } };
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error;
      return this.#end(subject, failure(error));
    }
    entry.create(operation);
    try {
      const argv = [process.execPath, config.engine, 'operate', entry.dir];
      const { cgroupRoot } = config;
      startOperation({ entry, uid, cgroupRoot, argv, onExit: () => wake(key), ready: this.#ready.take(key) });
    } catch (error) {
      // Nothing has been done, so there is nothing to take back; the reason is kept as any other end.
      entry.writeResult(failure(error));
      return { requeueAfterMs: 0 };
    }
    log.info(`${spec.operation} begun`, { assignment: key });
    return this.#mirror(subject);
  }

  /** It waits while the kubelet makes sandbox and volumes, and while images are pulled. Said once. */
  async #wait(subject: Subject, waitMs: number): Promise<Requeue> {
    if (subject.assignment?.status?.phase === undefined) await this.#write(subject, waitingStatus());
    return { requeueAfterMs: waitMs };
  }

  async #mirror(subject: Subject): Promise<Requeue> {
    const { key, entry } = subject;
    const now = this.#parts.clock.now();
    const file = entry.status();
    const wait = nextWriteMs(this.#written.get(key), file, now);
    if (wait > 0) return { requeueAfterMs: wait };
    this.#written.set(key, { file, at: now });
    await this.#write(subject, runningStatus(startOf(subject) ?? now, now, file));
    return { requeueAfterMs: HEARTBEAT_MS };
  }

  /** The engine watches for the mark: no signal could reach another process, or be lost with us. */
  #stop({ key, entry }: Subject, mark: StopMark): Promise<Requeue> {
    this.#parts.log.info(`asking the operation to stop: ${mark.message}`, { assignment: key });
    entry.askToStop(mark);
    return Promise.resolve({ requeueAfterMs: HEARTBEAT_MS });
  }

  /** The engine settles it in a process of its own: native code stays out of the agent. */
  async #recover({ key, entry }: Subject): Promise<Requeue> {
    const argv = [process.execPath, this.#parts.config.engine, 'recover', entry.dir];
    this.#parts.log.warn('the operation did not end by itself, or left something; settling it', {
      assignment: key,
    });
    const env = Object.fromEntries(
      Object.entries(process.env).filter((e): e is [string, string] => e[1] !== undefined),
    );
    const { code, stderr } = await command(argv, { deadlineMs: settleWithinMs(entry.undoSteps()), env });
    if (code !== 0) throw new Error(`recover ${key}: exit ${code}: ${stderr.trim()}`);
    return { requeueAfterMs: 0 };
  }

  async #finish(subject: Subject): Promise<Requeue | undefined> {
    const outcome = subject.entry.result();
    return outcome === undefined ? undefined : this.#end(subject, outcome);
  }

  async #end(subject: Subject, outcome: Outcome): Promise<undefined> {
    this.#awaited.delete(subject.key);
    const said = outcome.ok ? 'done' : `${outcome.reason}: ${outcome.message}`;
    this.#parts.log[outcome.ok ? 'info' : 'warn'](said, { assignment: subject.key });
    await this.#write(subject, finalStatus(startOf(subject), this.#parts.clock.now(), outcome));
    this.#ended.add(subject.uid);
    if (subject.assignment !== undefined)
      count(this.#parts.metrics, subject.assignment.spec.operation, outcome);
  }

  /** The entry goes last: as long as it is there, an agent that comes after us does the rest. */
  #forget({ key, uid, entry }: Subject): Promise<Requeue | undefined> {
    const { log, config } = this.#parts;
    const { cgroupRoot } = config;
    const engine = entry.process();
    this.#written.delete(key);
    this.#ended.delete(uid);
    if (!removeGroups(cgroupRoot, uid)) {
      // The engine has ended with a result; what it has left in its group is of no use to anybody.
      const ended = engine === undefined || !isAlive(engine);
      if (ended && groupMembers(cgroupRoot, uid).length > 0) killMembers(cgroupRoot, uid);
      return Promise.resolve({ requeueAfterMs: FORGET_AGAIN_MS });
    }
    if (entry.exists && entry.asked() === undefined)
      log.error(`the journal entry of an operation could not be read, and is kept as ${setAside(entry)}`);
    else rmSync(entry.dir, { recursive: true, force: true });
    return Promise.resolve(undefined);
  }

  async #write({ assignment }: Subject, status: AssignmentStatus): Promise<void> {
    // The operator ends what it takes for lost; that stays, whatever we know better.
    if (assignment === undefined || isFinal(assignment.status?.phase)) return;
    const { namespace, name } = assignment.metadata;
    const ref = { group: GROUP, version: VERSION, plural: ASSIGNMENT.plural, namespace, name };
    const body = { apiVersion: API_VERSION, kind: ASSIGNMENT.kind, metadata: { name, namespace }, status };
    await this.#parts.api.applyStatus(ref, body);
  }
}

/** The entry knows the deadline; the assignment, how long it was given. Undefined where nothing was begun. */
function startOf({ entry, assignment }: Subject): Instant | undefined {
  const seconds = assignment?.spec.deadlineSeconds ?? 0;
  const deadline = entry.asked()?.deadline;
  return deadline === undefined ? undefined : deadline - seconds * 1000;
}

/** Decided of an assignment that has not ended, as far as the cache knows. */
const isOpen = (plan: Plan): boolean => plan.do === 'start' || plan.do === 'refuse' || plan.do === 'finish';

const REFUSED: Outcome = {
  ok: false,
  reason: 'Cancelled',
  message: 'cancelled before it was begun',
  cancelled: true,
};

const failure = (error: unknown): Outcome => ({
  ok: false,
  reason: reasonOf(error, 'StartFailed'),
  message: explain(error),
});
