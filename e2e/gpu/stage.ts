/** What the scenarios share: a placeholder that waits, what was restored into it, and the end of a container. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CONTROL_VOLUME, controlFile, standbyComm } from '@dynamo-snapshot/api/control';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import type { Receipt } from '@dynamo-snapshot/api/receipt';
import type { Timing } from '@dynamo-snapshot/api/schema';
import type { DriverArea } from '@dynamo-snapshot/node-agent/gate/plan';
import { containerId, hostPid } from '@dynamo-snapshot/node-agent/linux/ids';
import type { HostPid } from '@dynamo-snapshot/node-agent/linux/ids';
import { children, isAlive, status } from '@dynamo-snapshot/node-agent/linux/proc';
import { comesTrue } from '@dynamo-snapshot/node-agent/linux/wait';
import { Cri } from '@dynamo-snapshot/node-agent/runtime/cri';
import { state } from './cri';
import { shardsOf } from './damage';
import { Engine } from './engine';
import type { Node } from './node';
import { SOCKET } from './node';
import type { Place } from './place';
import type { Pod, PodOrder } from './pod';
import { startPlaceholder } from './pod';
import type { Report } from './report';
import { must } from './report';
import type { Workload } from './workload';

const STANDBY_WITHIN_MS = 10_000;
const GRACE_SECONDS = 1;

export interface Stage {
  readonly place: Place;
  readonly node: Node;
  readonly report: Report;
  readonly engine: Engine;
  readonly order: (name: string) => PodOrder;
}

export const stageOf = (place: Place, node: Node, report: Report, workload: Workload): Stage => ({
  place,
  node,
  report,
  engine: new Engine(place),
  order: (name) => ({ name, place, workload, runtime: node.runtime }),
});

export const containerOf = ({ id }: Pod): string => id.slice(0, 12);

/** Where an artifact of a pod goes. */
export const storeOf = ({ work }: Place, pod: Pod): string => join(work, 'store', containerOf(pod));

export const secondsOf = (timings: readonly Timing[]): string =>
  timings.map(({ step, seconds }) => `${step} ${seconds.toFixed(2)}`).join(', ');

/** PID 1 of a pod's container, as the host sees it. */
export async function pidOf({ id }: Pod): Promise<HostPid> {
  const cri = new Cri(SOCKET);
  return (await cri.container(containerId(id)).finally(() => cri.close())).pid;
}

export interface Inspected {
  readonly image: string;
  readonly shards: number;
  readonly memoryBytes: number;
  readonly driver: string | undefined;
  readonly gpus: NonNullable<Manifest['cuda']>['gpus'] | undefined;
  /** What the driver had mapped for what was on the GPUs. */
  readonly areas: readonly DriverArea[];
}

export const inspected = (
  { place, report, engine }: Stage,
  dir: string,
  digest: string,
): Promise<Inspected> =>
  report.check('the artifact is told by inspect', async () => {
    const { digest: told, cuda, container, process } = await engine.inspect(dir);
    const shards = shardsOf(dir).length;
    must(told === digest, `inspect says digest ${told}`);
    must(shards > 0, 'its memory is not in shards of ours');
    must((cuda !== undefined) === (place.gpu || place.standIn), `its GPU part is ${JSON.stringify(cuda)}`);
    const { memoryBytes } = process;
    return {
      ...{ image: container.imageDigest, shards, memoryBytes },
      ...{ driver: cuda?.driver, gpus: cuda?.gpus, areas: cuda?.areas ?? [] },
    };
  });

export interface Placeholder {
  readonly pod: Pod;
  readonly standby: HostPid;
}

export async function placeholder({ report, order }: Stage, name: string): Promise<Placeholder> {
  const pod = await report.check(
    `${name}: a placeholder is started through CRI`,
    () => startPlaceholder(order(name)),
    (started) => `${containerOf(started)} at ${started.address}`,
  );
  const standby = await pidOf(pod);
  await report.check(`${name}: standby waits as its PID 1`, async () => {
    // CRI calls a container started when runc is about to become its program.
    const waits = () => status(standby)?.name === standbyComm.waiting;
    must(await comesTrue(waits, STANDBY_WITHIN_MS), `it is ${JSON.stringify(status(standby))}`);
    must(status(standby)?.nsPids.at(-1) === 1, `process ${standby} is not the first of its namespace`);
    return `process ${standby}`;
  });
  return { pod, standby };
}

export interface Restored {
  readonly pod: Pod;
  readonly receipt: Receipt;
}

export const adopted = (
  { report, node }: Stage,
  name: string,
  { pod, standby }: Placeholder,
  receipt: Receipt,
): Promise<unknown> =>
  report.check(`${name}: the worker is a child of standby in the new container`, async () => {
    const [child, ...others] = children(standby);
    must(child !== undefined && others.length === 0, `standby's children are ${children(standby).join()}`);
    must(child === receipt.hostPid, `it is process ${child}, the receipt says ${receipt.hostPid}`);
    must(status(standby)?.name === standbyComm.restored, `PID 1 is ${status(standby)?.name}`);
    must((await node.runtime.status(pod.id)).state === state.running, 'CRI says that it does not run');
    const told = join(pod.folder(CONTROL_VOLUME), controlFile.restoreComplete);
    must(existsSync(told), 'the worker was not told');
    return `${status(child)?.name} is process ${child}, standby ${standby}`;
  });

export const ended = ({ report, node: { runtime } }: Stage, { pod, receipt }: Restored): Promise<unknown> =>
  report.check('the restored container is ended through CRI', async () => {
    await runtime.stop(pod.id, GRACE_SECONDS);
    const { exit_code: code, state: now } = await runtime.status(pod.id);
    must(now === state.exited, `its state is ${now}`);
    const left = (receipt.tree ?? []).filter((p) =>
      isAlive({ pid: hostPid(p.hostPid), startTime: p.startTime }),
    );
    must(left.length === 0, `${left.map((p) => p.hostPid).join()} live on`);
    return `exit code ${code}`;
  });
