/** What a scenario starts from: the cluster that the set-up brought up, our chart in it, and a namespace. */
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RESTORED_CONDITION } from '@dynamo-snapshot/api/names';
import type { Release } from './chart';
import type { KubeAccess, KubeObject } from './kube';
import { Kube } from './kube';
import { checkpointOf, state, worker } from './workload';
import type { WorkerOptions, WorkerState } from './workload';

export interface WorldFile extends KubeAccess {
  readonly cluster: string;
  readonly helm: string;
  /** With which the release of the scenarios is installed, as helm's --set takes them. */
  readonly values: readonly string[];
  readonly nodes: readonly [string, string];
  readonly sharedDir: string;
  /** Where an engine lies on the nodes, in the scenarios of engines. */
  readonly engineFolder?: string;
}

/** Cluster of the scenarios; another name lets another checkout run its own beside. */
export const clusterName = process.env['DYNAMO_SNAPSHOT_CLUSTER'] ?? 'test';
export const worldFile = join(tmpdir(), `dynamo-snapshot-e2e-world-${clusterName}.json`);

export interface PodStatus {
  readonly metadata: { readonly name: string; readonly uid: string; readonly creationTimestamp: string };
  readonly spec: { readonly nodeName: string };
  readonly status: {
    readonly phase: string;
    readonly podIP: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
      readonly lastTransitionTime?: string;
    }[];
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly restartCount: number;
      readonly ready: boolean;
      readonly containerID: string;
      readonly lastState?: { readonly terminated?: { readonly exitCode: number } };
      readonly state?: { readonly terminated?: { readonly exitCode: number; readonly message?: string } };
    }[];
  };
}

export type PodCondition = NonNullable<PodStatus['status']['conditions']>[number];

export const conditionOf = ({ status }: PodStatus, type: string): PodCondition | undefined =>
  status.conditions?.find((c) => c.type === type);
export const restoredCondition = (pod: PodStatus): PodCondition | undefined =>
  conditionOf(pod, RESTORED_CONDITION);

export interface CheckpointObject {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly status?: {
    readonly phase?: string;
    readonly message?: string;
    readonly identityHash?: string;
    readonly location?: string;
    readonly artifact?: {
      readonly digest: string;
      readonly sizeBytes: number;
      readonly size: string;
      readonly uid: string;
    };
    readonly retired?: readonly object[];
    readonly timings?: readonly { step: string; seconds: number }[];
    readonly conditions?: readonly { type: string; status: string; reason: string; message: string }[];
  };
}

export class World {
  readonly kube: Kube;
  readonly nodeA: string;
  readonly nodeB: string;
  readonly namespace: string;
  readonly sharedDir: string;
  readonly values: readonly string[];
  readonly #helm: string;
  readonly #made: { kind: string; name: string }[] = [];

  /** Another namespace than that of the scenarios' release. */
  constructor(namespace?: string) {
    const file = JSON.parse(readFileSync(worldFile, 'utf8')) as WorldFile;
    this.namespace = namespace ?? file.namespace;
    this.kube = new Kube({ ...file, namespace: this.namespace });
    [this.nodeA, this.nodeB] = file.nodes;
    this.sharedDir = file.sharedDir;
    this.values = file.values;
    this.#helm = file.helm;
  }

  release(name: string): Release {
    return { helm: this.#helm, kube: this.kube, name, namespace: this.namespace };
  }

  /** Applies and remembers, so that `clean` takes everything away again. */
  async make(object: KubeObject): Promise<void> {
    this.#made.push({ kind: object.kind.toLowerCase(), name: object.metadata.name });
    await this.kube.apply(object);
  }

  async ready(pod: string, seconds = 90): Promise<PodStatus> {
    await this.kube.wait('pod', pod, 'condition=Ready', seconds);
    return this.kube.get<PodStatus>('pod', pod);
  }

  /** A file of the node, as its agent sees it: it shares the node's pid namespace. */
  async readOn(node: string, file: string): Promise<string> {
    const selector = ['-l', 'app.kubernetes.io/component=agent', '--field-selector', `spec.nodeName=${node}`];
    const agent = await this.kube.run([
      'get',
      'pods',
      ...selector,
      '-o',
      'jsonpath={.items[0].metadata.name}',
    ]);
    return this.kube.run(['exec', agent, '--', 'cat', file]);
  }

  /** A served worker on a node: its IP and state. */
  async serving(options: WorkerOptions): Promise<{ readonly ip: string; readonly state: WorkerState }> {
    await this.make(worker(options));
    const { status } = await this.ready(options.name);
    return { ip: status.podIP, state: await state(status.podIP) };
  }

  async captured(name: string, podName: string, seconds = 90, restore?: object): Promise<CheckpointObject> {
    await this.make(checkpointOf(name, podName, restore));
    return this.checkpointReady(name, seconds);
  }

  /** Waits until the pod says this of its restore. */
  async told(pod: string, status: 'True' | 'False', reason: string, seconds = 90): Promise<PodCondition> {
    const path = `{.status.conditions[?(@.type=="${RESTORED_CONDITION}")].reason}`;
    await this.kube.wait('pod', pod, `jsonpath=${path}=${reason}`, seconds);
    const condition = restoredCondition(await this.kube.get<PodStatus>('pod', pod));
    if (condition?.status !== status) throw new Error(`pod ${pod}: ${JSON.stringify(condition)}`);
    return condition;
  }

  async checkpointReady(name: string, seconds = 90): Promise<CheckpointObject> {
    await this.kube.wait('dynamocheckpoint', name, 'jsonpath={.status.phase}=Ready', seconds);
    return this.kube.get<CheckpointObject>('dynamocheckpoint', name);
  }

  /** Pods first: a checkpoint is deleted when nobody restores from it any more. */
  async clean(): Promise<void> {
    const named = (want: boolean) => this.#made.filter((m) => (m.kind === 'pod') === want).reverse();
    await this.kube.delete(
      'pod',
      named(true).map((m) => m.name),
    );
    for (const { kind, name } of named(false)) await this.kube.delete(kind, [name]);
  }
}
