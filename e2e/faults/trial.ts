/** One case: an operation is begun, held at its step, struck, let go, and everything is looked at afterwards. */
import { ASSIGNMENT, CHECKPOINT } from '@dynamo-snapshot/api/names';
import type { KubeObject } from '../kube';
import { asking, checkpointOf, count, worker } from '../workload';
import type { PodStatus } from '../world';
import { faults } from './faults';
import type { Held } from './held';
import { holdAt, Missed } from './held';
import type { Source } from './invariants';
import { assignmentsEnd, checkpointFaults, restoredFaults, sourceFaults } from './invariants';
import type { AssignmentObject, Lab } from './lab';
import { asked, mainProcess, revive, settled } from './lab';
import { leftovers } from './leftovers';
import { viewOf } from './mounts';
import type { Case } from './plan';

export interface Outcome {
  readonly case: Case;
  /** How the operation and those that followed it ended, e.g. "Succeeded" or "Failed/OperationLost, Succeeded". */
  readonly end: string;
  /** What must hold and does not. */
  readonly broken: readonly string[];
  /** How often the harness missed its moment, so that nothing was struck. */
  readonly missed: number;
  /** Whether the fault has struck in the end; where not, nothing was seen. */
  readonly struck: boolean;
  readonly seconds: number;
}

type Found = Pick<Outcome, 'end' | 'broken'>;

const HOLD_SECONDS = 60;
/** A short step may be missed, the shortest every other time; nothing has been done to the operation then. */
const TRIES = 12;
/** Patience with agents that a fault has taken away is what the checkpoint has by itself. */
const RESTORE_SECONDS = 120;
/** What the base checkpoint has counted: a worker that counts less has started cold. */
const COUNTED = 5;

/** Gone as soon as it is asked to go. */
const POD = { spec: { terminationGracePeriodSeconds: 1 } };
/** It holds a file open whose name is gone and which has another one: CRIU gives it a name for the dump (criu(8), --link-remap). */
const LINKED = 'cd /var/lib/worker && echo linked > gone && ln -f gone kept && exec 9<> gone && rm gone';
const CONTAINER = {
  command: ['/bin/sh', '-c', `${LINKED} && exec /usr/bin/python3 -u /app/server.py`],
  resources: { limits: { memory: '512Mi' } },
};

export class Trials {
  readonly #lab: Lab;
  #source: Source | undefined;
  #base: string | undefined;
  #made = 0;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** Never throws: a case that cannot be carried out has failed. */
  async run(one: Case): Promise<Outcome> {
    const started = Date.now();
    const found = await this.#found(one);
    return { case: one, ...found, seconds: Math.round((Date.now() - started) / 1000) };
  }

  async #found(one: Case): Promise<Omit<Outcome, 'case' | 'seconds'>> {
    for (let missed = 0; ; missed++) {
      this.#made += 1;
      const name = `fault-${this.#made}`;
      try {
        return { ...(await this.#tried(one, name)), missed, struck: true };
      } catch (error) {
        await this.#giveUp(name);
        if (!(error instanceof Missed))
          return { end: 'broken off', broken: [String(error)], missed, struck: true };
        if (missed + 1 === TRIES) return { end: error.message, broken: [], missed: TRIES, struck: false };
        this.#lab.say(`once more: ${error.message}`);
      }
    }
  }

  async #tried(one: Case, name: string): Promise<Found> {
    const found = await (one.operation === 'Capture' ? this.#capture(one, name) : this.#restore(one, name));
    const left = await leftovers(this.#lab);
    await settled(this.#lab);
    return { end: found.end, broken: [...found.broken, ...left] };
  }

  /** The next case begins with nothing of this one, and with another source. */
  async #giveUp(name: string): Promise<void> {
    const say = (error: unknown) => this.#lab.say(String(error));
    // A daemon that was killed and not started again would fail all that follow.
    await revive(this.#lab).catch(say);
    const pods = [name, ...(this.#source === undefined ? [] : [this.#source.pod])];
    this.#source = undefined;
    for (const pod of pods) await this.#remove('pod', pod).catch(say);
    await this.#remove(CHECKPOINT.singular, name).catch(say);
    await leftovers(this.#lab);
    await settled(this.#lab).catch(say);
  }

  async #capture(one: Case, name: string): Promise<Found> {
    const before = await this.#serving();
    const source = { ...before, counter: await count(before.ip) };
    const deadline = faults[one.fault]?.deadlineSeconds;
    const object = withDeadline(checkpointOf(name, source.pod), deadline);
    const found = await this.#strike(one, { object, pod: source.pod, checkpoint: name });
    const lost = faults[one.fault]?.loses !== undefined;
    const broken = [
      ...found.broken,
      ...(lost ? [] : await sourceFaults(this.#lab, source)),
      ...(await checkpointFaults(this.#lab, name)),
    ];
    await this.#remove(CHECKPOINT.singular, name);
    if (lost || broken.length > 0) {
      this.#source = undefined;
      await this.#remove('pod', source.pod);
    }
    return { end: found.end, broken };
  }

  async #restore(one: Case, pod: string): Promise<Found> {
    const checkpoint = await this.#baseCheckpoint(faults[one.fault]?.deadlineSeconds);
    const node = this.#lab.nodes[1].name;
    const object = asking({ name: pod, node, checkpoint, container: CONTAINER, ...POD });
    const found = await this.#strike(one, { object, pod, checkpoint });
    const broken = [
      ...found.broken,
      ...(await restoredFaults(this.#lab, pod, COUNTED)),
      ...(await checkpointFaults(this.#lab, checkpoint)),
    ];
    // By now another attempt may have followed.
    const { end, faults: open } = await assignmentsEnd(this.#lab, found.earlier);
    await this.#remove('pod', pod);
    return { end, broken: [...broken, ...open] };
  }

  async #strike(
    one: Case,
    subject: { readonly object: KubeObject; readonly pod: string; readonly checkpoint: string },
  ): Promise<Found & { readonly earlier: ReadonlySet<string> }> {
    const lab = this.#lab;
    const node = lab.nodes[one.operation === 'Capture' ? 0 : 1];
    const others = await asked(() => lab.reader.list<AssignmentObject>(ASSIGNMENT.plural));
    const earlier = new Set(others.map((a) => a.metadata.uid));
    const holding = holdAt(node, one.operation, one.step, HOLD_SECONDS);
    holding.catch(() => undefined); // looked at below
    await asked(() => lab.kube.apply(subject.object));
    const held = await holding;
    const heal = await this.#struck(one, held, { pod: subject.pod, checkpoint: subject.checkpoint });
    await heal?.();
    const { end, faults: open } = await assignmentsEnd(lab, earlier);
    return { end, broken: open, earlier };
  }

  /** Whatever comes, the operation runs again afterwards. */
  async #struck(
    one: Case,
    held: Held,
    { pod, checkpoint }: { readonly pod: string; readonly checkpoint: string },
  ) {
    const node = this.#lab.nodes[one.operation === 'Capture' ? 0 : 1];
    try {
      return await faults[one.fault]?.strike({ lab: this.#lab, node, held, pod, checkpoint });
    } finally {
      await held.release();
    }
  }

  /** One source serves as long as no fault is meant to end it. */
  async #serving(): Promise<Source> {
    if (this.#source !== undefined) return this.#source;
    const pod = `source-${this.#made}`;
    const { kube, nodes } = this.#lab;
    await asked(() => kube.apply(worker({ name: pod, node: nodes[0].name, container: CONTAINER, ...POD })));
    await kube.wait('pod', pod, 'condition=Ready', 90);
    const { status } = await kube.get<PodStatus>('pod', pod);
    const restarts = status.containerStatuses?.find((c) => c.name === 'main')?.restartCount ?? 0;
    const { pid } = await mainProcess(this.#lab, nodes[0], pod);
    this.#source = { pod, ip: status.podIP, restarts, mounts: viewOf(pid), counter: 0 };
    return this.#source;
  }

  /** What is restored; the deadline of a restore is in the checkpoint. */
  async #baseCheckpoint(deadlineSeconds = RESTORE_SECONDS): Promise<string> {
    const { kube } = this.#lab;
    if (this.#base === undefined) {
      const name = `base-${this.#made}`;
      const { pod, ip } = await this.#serving();
      for (let counted = 0; counted < COUNTED;) counted = await count(ip);
      await kube.apply(checkpointOf(name, pod));
      await kube.wait(CHECKPOINT.singular, name, 'jsonpath={.status.phase}=Ready', 90);
      this.#base = name;
    }
    const patch = JSON.stringify({ spec: { restore: { timeoutSeconds: deadlineSeconds } } });
    await kube.run(['patch', CHECKPOINT.singular, this.#base, '--type=merge', '-p', patch]);
    return this.#base;
  }

  async #remove(kind: string, name: string): Promise<void> {
    await asked(() => this.#lab.kube.delete(kind, [name], 60), 90);
  }
}

const withDeadline = (object: KubeObject, seconds: number | undefined): KubeObject =>
  seconds === undefined
    ? object
    : { ...object, spec: { ...(object['spec'] as object), capture: { timeoutSeconds: seconds } } };
