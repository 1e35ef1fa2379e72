/** An Applier with a fake engine, a fake API server, plain folders as cgroups, and time that stands still. */
import { Registry } from 'prom-client';
import { makeMetrics } from '@dynamo-snapshot/controller/metrics';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AssignmentSpec, AssignmentStatus, SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { Api } from '@dynamo-snapshot/controller/api';
import type { Log } from '@dynamo-snapshot/controller/log';
import { Applier } from '../../src/assignment/apply';
import { decide } from '../../src/assignment/decide';
import { observe } from '../../src/assignment/observe';
import type { AgentConfig } from '../../src/config';
import { agentConfig } from '../../src/config';
import { JournalEntry } from '../../src/journal/entry';
import { hostPid } from '../../src/linux/ids';
import { isAlive } from '../../src/linux/proc';
import type { First } from '../../src/runtime/starts';

export const UID = '11111111-2222-3333-4444-555555555555';
export const KEY = 'team/a';
const LIMIT_MS = 20_000;

/** What the engine's program does to an entry, without an engine; `mode` is a file in the entry's parent folder. */
const ENGINE = `
const fs = require('fs'), path = require('path');
const [, , verb, given] = process.argv;
const dir = verb === 'ready' ? fs.readFileSync(0, 'utf8').trim() : given;
if (dir === '') process.exit(0);
const mode = fs.readFileSync(path.join(dir, '..', '..', 'mode'), 'utf8');
const put = (name, value) => {
  fs.writeFileSync(path.join(dir, name + '.part'), JSON.stringify(value));
  fs.renameSync(path.join(dir, name + '.part'), path.join(dir, name));
};
if (verb === 'recover') put('result.json', { ok: false, reason: 'OperationLost', message: 'taken back' });
else if (mode === 'die') process.exit(9);
else {
  const operation = JSON.parse(fs.readFileSync(path.join(dir, 'operation.json'), 'utf8'));
  put('status.json', { progress: { step: 'delete', summary: 'delete' }, timings: [] });
  if (mode === 'quick') put('result.json', { ok: true, result: { operation: operation.request.operation, timings: [] } });
  else {
    const look = () => {
      if (!fs.existsSync(path.join(dir, 'cancel'))) return;
      const mark = JSON.parse(fs.readFileSync(path.join(dir, 'cancel'), 'utf8'));
      put('result.json', { ok: false, ...mark, cancelled: mark.reason === 'Cancelled' });
      process.exit(1);
    };
    fs.watch(dir, look);
    look();
    put('listening', true);
    setTimeout(() => {}, ${LIMIT_MS});
  }
}`;

export const spec = {
  nodeName: 'node-a',
  operation: 'Delete',
  checkpoint: { name: 'llama' },
  artifact: { identityHash: '0123456789abcdef', uid: UID },
  deadlineSeconds: 60,
} as const satisfies AssignmentSpec;

export const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export class Stage {
  readonly dir = mkdtempSync(join(tmpdir(), 'apply-'));
  readonly entry = new JournalEntry(join(this.dir, 'journal', UID));
  readonly written: AssignmentStatus[] = [];
  readonly metrics = makeMetrics(new Registry(), 'agent');
  wakes = 0;
  /** Of the last step. */
  requeue: { readonly requeueAfterMs?: number } | undefined;
  runtimeAnswers = true;
  storeIsThere = true;
  /** What the runtime says of the pod's first container. */
  first: First = 'not yet';
  /** Defined while it is followed. */
  told: (() => void) | undefined;
  now = 1_000_000;
  assignment: SnapshotAssignment = {
    apiVersion: 'nvidia.com/v1alpha1',
    kind: 'SnapshotAssignment',
    metadata: { name: 'a', namespace: 'team', uid: UID },
    spec,
  };
  /** Writes land in `written` and, as from the API server, in the object. */
  readonly api = {
    getPod: () => Promise.resolve(undefined),
    applyStatus: (_: unknown, { status }: { status: AssignmentStatus }) => {
      this.written.push(status);
      this.assignment = { ...this.assignment, status };
      return Promise.resolve();
    },
  } as unknown as Api;

  constructor() {
    mkdirSync(join(this.dir, 'cgroup', 'memory'), { recursive: true });
    writeFileSync(join(this.dir, 'engine.cjs'), ENGINE);
  }

  change(change: Partial<AssignmentSpec>): void {
    this.assignment = { ...this.assignment, spec: { ...spec, ...change } };
  }

  /** `wait` ends when it is asked to stop only. */
  mode(text: 'quick' | 'die' | 'wait'): void {
    writeFileSync(join(this.dir, 'mode'), text);
  }

  config(): AgentConfig {
    return agentConfig({
      NODE_NAME: 'node-a',
      SNAPSHOT_ENGINE: join(this.dir, 'engine.cjs'),
      SNAPSHOT_JOURNAL: join(this.dir, 'journal'),
      SNAPSHOT_STORE: join(this.dir, 'store'),
      SNAPSHOT_CGROUP_ROOT: join(this.dir, 'cgroup'),
    });
  }

  /** An entry whose process is gone: what an agent finds after the machine has stopped. */
  orphan(): void {
    const { artifact } = spec;
    const ref = { namespace: 'team', identityHash: artifact.identityHash, uid: artifact.uid };
    this.entry.create({
      request: { operation: 'Delete', artifactDir: join(this.dir, 'store', 'x'), artifact: ref },
      deadline: Date.now() + 60_000,
      assignment: { namespace: 'team', name: 'a', uid: UID },
    });
    this.entry.writeProcess({ pid: hostPid(2_000_000_000), startTime: '1' });
  }

  /** As a bad disk leaves it. */
  spoil(): void {
    writeFileSync(join(this.entry.dir, 'operation.json'), '{"assignm');
  }

  /** A new one is what a restarted agent has. */
  applier(): Applier {
    return new Applier({
      api: this.api,
      log: silent,
      metrics: this.metrics,
      clock: { now: () => this.now },
      runtimeAnswers: () => Promise.resolve(this.runtimeAnswers),
      storeIsThere: () => Promise.resolve(this.storeIsThere),
      runtime: {
        firstContainer: () => Promise.resolve(this.first),
        followStarts: (told) => {
          this.told = told;
          return Promise.resolve(() => (this.told = undefined));
        },
      },
      wake: () => (this.wakes += 1),
      config: this.config(),
    });
  }

  /** As the agent does it: one look, one plan, one step. */
  async step(by: Applier, gone = false): Promise<string> {
    const { entry, now } = this;
    const object = gone ? undefined : this.assignment;
    const plan = decide(observe(object, entry), now);
    this.requeue = await by.apply(plan, {
      key: KEY,
      uid: UID,
      entry,
      ...(object ? { assignment: object } : {}),
    });
    return plan.do;
  }

  /** Begins an operation that waits, and returns when it watches for the mark. */
  async begin(): Promise<Applier> {
    this.mode('wait');
    const agent = this.applier();
    await this.step(agent);
    await until(() => existsSync(join(this.entry.dir, 'listening')));
    return agent;
  }

  hasResult(): Promise<void> {
    return until(() => this.entry.result() !== undefined);
  }

  hasEnded(): Promise<void> {
    return until(() => this.wakes > 0);
  }

  /** A real cgroup has no such file to remove; a folder that stands in for one does. */
  emptyGroup(): void {
    rmSync(join(this.dir, 'cgroup', 'memory', 'dynamo-snapshot', UID, 'cgroup.procs'), { force: true });
  }

  async dispose(): Promise<void> {
    const ref = this.entry.exists ? this.entry.process() : undefined;
    if (ref !== undefined && isAlive(ref)) process.kill(ref.pid, 'SIGKILL');
    await until(() => ref === undefined || !isAlive(ref));
    rmSync(this.dir, { recursive: true });
  }
}

export async function until(reached: () => boolean): Promise<void> {
  const limit = Date.now() + LIMIT_MS;
  while (!reached()) {
    if (Date.now() > limit) throw new Error('did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
