/** Does what was decided about an assignment. */
import { rmSync } from 'node:fs';
import type { AssignmentStatus, SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { explain, reasonOf, TerminalError, unreachable } from '@dynamo-snapshot/api/errors';
import { API_VERSION, ASSIGNMENT, GROUP, VERSION } from '@dynamo-snapshot/api/names';
import type { Clock } from '@dynamo-snapshot/api/time';
import { checkAssignmentSpec } from '@dynamo-snapshot/api/validate';
import type { Api } from '@dynamo-snapshot/controller/api';
import type { Log } from '@dynamo-snapshot/controller/log';
import type { Outcome as Requeue } from '@dynamo-snapshot/controller/queue';
import type { AgentConfig } from '../config';
import type { Outcome } from '../engine';
import type { JournalEntry } from '../journal/entry';
import { removeGroups, startOperation } from '../journal/operation';
import { command } from '../linux/command';
import { isAlive } from '../linux/proc';
import type { Plan } from './decide';
import { requestOf } from './request';
import { finalStatus, runningStatus } from './status';

/** How often the status of a running operation is written, where nothing but its progress changes; and its heartbeat. */
const MIRROR_MS = 1000;
const HEARTBEAT_MS = 5000;
const UNDO_MS = 120_000;

export interface ApplierParts {
  readonly api: Api;
  readonly config: AgentConfig;
  readonly log: Log;
  readonly clock: Clock;
  readonly wake: (key: string) => void;
}

export interface Subject {
  readonly key: string;
  readonly uid: string;
  readonly entry: JournalEntry;
  readonly assignment?: SnapshotAssignment;
}

export class Applier {
  readonly #parts: ApplierParts;
  readonly #written = new Map<string, { readonly step: string; readonly at: number }>();

  constructor(parts: ApplierParts) {
    this.#parts = parts;
  }

  async apply(plan: Plan, subject: Subject): Promise<Requeue | undefined> {
    switch (plan.do) {
      case 'nothing':
        return undefined;
      case 'start':
        return this.#start(subject);
      case 'refuse':
        return this.#end(subject, {
          ok: false,
          reason: 'Cancelled',
          message: 'cancelled before it was begun',
          cancelled: true,
        });
      case 'mirror':
        return this.#mirror(subject);
      case 'cancel':
        return this.#cancel(subject);
      case 'undo':
        return this.#undo(subject);
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
    try {
      checkAssignmentSpec(spec);
      const pod = spec.pod && (await api.getPod(metadata.namespace, spec.pod.name));
      const request = requestOf(assignment, pod, config.store);
      const deadline = clock.now() + spec.deadlineSeconds * 1000;
      entry.create({
        request,
        deadline,
        assignment: { namespace: metadata.namespace, name: metadata.name, uid },
      });
      const argv = [process.execPath, config.engine, 'operate', entry.dir];
      startOperation({ entry, uid, cgroupRoot: config.cgroupRoot, argv, onExit: () => wake(key) });
      log.info(`${spec.operation} begun`, { assignment: key });
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error;
      return this.#end(subject, {
        ok: false,
        reason: reasonOf(error, 'StartFailed'),
        message: explain(error),
      });
    }
    return this.#mirror(subject);
  }

  async #mirror(subject: Subject): Promise<Requeue> {
    const { key, entry } = subject;
    const now = this.#parts.clock.now();
    const file = entry.status();
    const last = this.#written.get(key);
    const step = file?.progress.step ?? 'begin';
    const since = now - (last?.at ?? 0);
    if (last?.step === step && since < MIRROR_MS) return { requeueAfterMs: MIRROR_MS - since };
    this.#written.set(key, { step, at: now });
    await this.#write(subject, runningStatus(startOf(subject), now, file));
    return { requeueAfterMs: HEARTBEAT_MS };
  }

  async #cancel({ key, entry }: Subject): Promise<Requeue> {
    const process_ = entry.process();
    this.#parts.log.info('asking the operation to stop', { assignment: key });
    entry.askToCancel();
    if (process_ !== undefined && isAlive(process_)) process.kill(process_.pid, 'SIGTERM');
    return Promise.resolve({ requeueAfterMs: MIRROR_MS });
  }

  async #undo({ key, entry }: Subject): Promise<Requeue> {
    const argv = [process.execPath, this.#parts.config.engine, 'undo', entry.dir];
    this.#parts.log.warn('the operation died; taking it back', { assignment: key });
    const env = Object.fromEntries(
      Object.entries(process.env).filter((e): e is [string, string] => e[1] !== undefined),
    );
    const { code, stderr } = await command(argv, { deadlineMs: UNDO_MS, env });
    if (entry.result() === undefined) throw new Error(`undo of ${key}: exit ${code}: ${stderr.trim()}`);
    return { requeueAfterMs: 0 };
  }

  async #finish(subject: Subject): Promise<Requeue | undefined> {
    const outcome = subject.entry.result();
    return outcome === undefined ? undefined : this.#end(subject, outcome);
  }

  async #end(subject: Subject, outcome: Outcome): Promise<undefined> {
    const said = outcome.ok ? 'done' : `${outcome.reason}: ${outcome.message}`;
    this.#parts.log[outcome.ok ? 'info' : 'warn'](said, { assignment: subject.key });
    await this.#write(subject, finalStatus(startOf(subject), this.#parts.clock.now(), outcome));
  }

  #forget({ key, uid, entry }: Subject): Promise<undefined> {
    this.#written.delete(key);
    rmSync(entry.dir, { recursive: true, force: true });
    removeGroups(this.#parts.config.cgroupRoot, uid);
    return Promise.resolve(undefined);
  }

  async #write({ assignment }: Subject, status: AssignmentStatus): Promise<void> {
    if (assignment === undefined) return;
    const { namespace, name } = assignment.metadata;
    const ref = { group: GROUP, version: VERSION, plural: ASSIGNMENT.plural, namespace, name };
    const body = { apiVersion: API_VERSION, kind: ASSIGNMENT.kind, metadata: { name, namespace }, status };
    await this.#parts.api.applyStatus(ref, body);
  }
}

/** The entry knows the deadline; the assignment, how long it was given. */
function startOf({ entry, assignment }: Subject): number {
  const seconds = assignment?.spec.deadlineSeconds ?? 0;
  return entry.exists ? entry.operation().deadline - seconds * 1000 : Date.now();
}
