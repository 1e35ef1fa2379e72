/** One case: an operation is begun, held at its step, struck, let go, and everything is looked at afterwards. */
import { CHECKPOINT } from '@dynamo-snapshot/api/names';
import type { KubeObject } from '../kube';
import { checkpointOf, count, placeholder, worker } from '../workload';
import type { PodStatus } from '../world';
import { faults } from './faults';
import { holdAt } from './held';
import type { Source } from './invariants';
import { assignmentsEnd, checkpointFaults, leftovers, placeholderFaults, sourceFaults } from './invariants';
import type { Lab } from './lab';
import { asked, settled } from './lab';
import type { Case } from './plan';

export interface Outcome {
  readonly case: Case;
  /** How the operation ended, e.g. "Succeeded" or "Failed/OperationLost". */
  readonly end: string;
  /** What must hold and does not. */
  readonly broken: readonly string[];
}

const HOLD_SECONDS = 120;
const MEMORY = { resources: { limits: { memory: '512Mi' } } };

/** Inner steps of a step have no name in the status. */
const statusStep = (step: string): string => (step === 'frozen' ? 'dump' : step);

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
    this.#made += 1;
    try {
      return await (one.operation === 'Capture' ? this.#capture(one) : this.#restore(one));
    } catch (error) {
      this.#source = undefined;
      return { case: one, end: 'not carried out', broken: [String(error)] };
    }
  }

  async #capture(one: Case): Promise<Outcome> {
    const name = `fault-${this.#made}`;
    const before = await this.#serving();
    const source = { ...before, counter: await count(before.ip) };
    const checkpoint = withDeadline(
      checkpointOf(name, source.pod),
      'capture',
      faults[one.fault]?.deadlineSeconds,
    );
    const found = await this.#strike(one, { object: checkpoint, pod: source.pod, checkpoint: name });
    const lost = faults[one.fault]?.loses !== undefined;
    const broken = [
      ...found.broken,
      ...(lost ? [] : await sourceFaults(this.#lab, source)),
      ...(await checkpointFaults(this.#lab, name)),
    ];
    await this.#remove(CHECKPOINT.singular, name);
    if (lost || broken.length > 0) {
      await this.#remove('pod', source.pod);
      this.#source = undefined;
    }
    return { case: one, end: found.end, broken: [...broken, ...(await leftovers(this.#lab))] };
  }

  async #restore(one: Case): Promise<Outcome> {
    const pod = `fault-${this.#made}`;
    const checkpoint = await this.#baseCheckpoint(faults[one.fault]?.deadlineSeconds);
    const object = placeholder({ name: pod, node: this.#lab.nodes[1].name, checkpoint, container: MEMORY });
    const found = await this.#strike(one, { object, pod, checkpoint });
    const broken = [
      ...found.broken,
      ...(await placeholderFaults(this.#lab, pod)),
      ...(await checkpointFaults(this.#lab, checkpoint)),
    ];
    await this.#remove('pod', pod);
    return { case: one, end: found.end, broken: [...broken, ...(await leftovers(this.#lab))] };
  }

  async #strike(
    one: Case,
    subject: { readonly object: KubeObject; readonly pod: string; readonly checkpoint: string },
  ): Promise<{ readonly end: string; readonly broken: readonly string[] }> {
    const lab = this.#lab;
    const node = lab.nodes[one.operation === 'Capture' ? 0 : 1];
    const holding = holdAt(node, one.operation, one.step, HOLD_SECONDS);
    holding.catch(() => undefined); // looked at below
    await lab.kube.apply(subject.object);
    const held = await holding;
    let heal: (() => Promise<void>) | undefined;
    try {
      heal = await faults[one.fault]?.strike({
        lab,
        node,
        held,
        pod: subject.pod,
        checkpoint: subject.checkpoint,
      });
    } finally {
      await held.release();
    }
    const missed = held.step === statusStep(one.step) ? [] : [`struck at ${held.step}, not at ${one.step}`];
    const { end, faults: open } = await this.#healed(heal);
    await settled(lab);
    return { end, broken: [...missed, ...open] };
  }

  async #healed(heal: (() => Promise<void>) | undefined) {
    await heal?.();
    return assignmentsEnd(this.#lab);
  }

  /** One source serves as long as no fault is meant to end it. */
  async #serving(): Promise<Source> {
    if (this.#source !== undefined) return this.#source;
    const pod = `source-${this.#made}`;
    const { kube, nodes } = this.#lab;
    await asked(() => kube.apply(worker({ name: pod, node: nodes[0].name, container: MEMORY })));
    await kube.wait('pod', pod, 'condition=Ready', 90);
    const { status } = await kube.get<PodStatus>('pod', pod);
    const restarts = status.containerStatuses?.find((c) => c.name === 'main')?.restartCount ?? 0;
    this.#source = { pod, ip: status.podIP, restarts, counter: 0 };
    return this.#source;
  }

  /** What is restored; the deadline of a restore is in the checkpoint. */
  async #baseCheckpoint(deadlineSeconds = 120): Promise<string> {
    const { kube } = this.#lab;
    if (this.#base === undefined) {
      const name = `base-${this.#made}`;
      await kube.apply(checkpointOf(name, (await this.#serving()).pod));
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

function withDeadline(object: KubeObject, operation: 'capture', seconds: number | undefined): KubeObject {
  if (seconds === undefined) return object;
  return { ...object, spec: { ...(object['spec'] as object), [operation]: { timeoutSeconds: seconds } } };
}
