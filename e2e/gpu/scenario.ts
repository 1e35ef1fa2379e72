/** The life of a worker: serves, is captured, restored, captured again, ended, restored again; and an artifact that is damaged. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { controlFile, standbyComm } from '@dynamo-snapshot/api/control';
import { humanBytes } from '@dynamo-snapshot/api/quantity';
import type { Receipt } from '@dynamo-snapshot/api/receipt';
import { unproven } from '@dynamo-snapshot/api/receipt';
import type { Timing } from '@dynamo-snapshot/api/schema';
import { containerId, hostPid } from '@dynamo-snapshot/node-agent/linux/ids';
import type { HostPid } from '@dynamo-snapshot/node-agent/linux/ids';
import { children, isAlive, status } from '@dynamo-snapshot/node-agent/linux/proc';
import { comesTrue } from '@dynamo-snapshot/node-agent/linux/wait';
import { Cri } from '@dynamo-snapshot/node-agent/runtime/cri';
import type { Round } from '../../bench/gpu/worker';
import { roundAfter, roundNow } from '../../bench/gpu/worker';
import { state } from './cri';
import { damageShard, shardsOf } from './damage';
import { hostParts } from './driver';
import { Engine } from './engine';
import type { Node } from './node';
import { SOCKET } from './node';
import type { Place } from './place';
import type { Pod, PodOrder } from './pod';
import { startPlaceholder, startWorker } from './pod';
import type { Report } from './report';
import { must } from './report';

const SERVES_WITHIN_MS = 90_000;
const NEXT_ROUND_MS = 20_000;
const STANDBY_WITHIN_MS = 10_000;
const ROUNDS_BEFORE = 5;
/** A round takes at least so long (worker.c). */
const ROUND_MS = 50;
const GRACE_SECONDS = 1;

interface Stage {
  readonly place: Place;
  readonly node: Node;
  readonly report: Report;
  readonly engine: Engine;
  readonly order: (name: string) => PodOrder;
}

export async function scenario(place: Place, node: Node, report: Report): Promise<void> {
  const { runtime } = node;
  const parts = hostParts(place.gpu);
  const order = (name: string): PodOrder => ({ name, place, parts, runtime });
  const stage: Stage = { place, node, report, engine: new Engine(place), order };
  const source = await report.check(
    'a container is started through CRI',
    () => startWorker(order('source')),
    containerOf,
  );
  await report.check('its worker serves', () => roundAfter(source, ROUNDS_BEFORE, SERVES_WITHIN_MS));
  const first = await captured(stage, 'the source', source);
  const restored = await restoredFrom(stage, first, 'restored');
  const second = await captured(stage, 'the restored worker', restored.pod);
  await ended(stage, restored);
  await restoredFrom(stage, second, 'restored-again');
  await refusedDamaged(stage, first);
  await report.check('the source serves to the end', async () => sameMemory(first.after, await next(source)));
}

const containerOf = ({ id }: Pod): string => id.slice(0, 12);

const secondsOf = (timings: readonly Timing[]): string =>
  timings.map(({ step, seconds }) => `${step} ${seconds.toFixed(2)}`).join(', ');

interface Captured {
  readonly dir: string;
  readonly digest: string;
  /** The captured round is one of these, or between. */
  readonly before: Round;
  readonly after: Round;
}

async function captured({ place, report, engine }: Stage, who: string, pod: Pod): Promise<Captured> {
  const dir = join(place.work, 'store', pod.id.slice(0, 12));
  const before = await next(pod);
  const { artifactDigest: digest } = await report.check(
    `${who} is captured`,
    async () => {
      const { artifactDigest, sizeBytes, pausedSeconds, timings } = await engine.capture(pod.id, dir);
      return { artifactDigest, sizeBytes, pausedSeconds, timings };
    },
    ({ sizeBytes, timings }) => `${humanBytes(sizeBytes)}; ${secondsOf(timings)}`,
  );
  const after = await report.check(`${who} goes on serving with the same memory`, async () =>
    sameMemory(before, await next(pod, roundNow(pod)?.round)),
  );
  await report.check('the artifact is told by inspect', async () => {
    const { digest: told, cuda, container, process } = await engine.inspect(dir);
    const shards = shardsOf(dir).length;
    must(told === digest, `inspect says digest ${told}`);
    must(shards > 0, 'its memory is not in shards of ours');
    must((cuda !== undefined) === place.gpu, `its GPU part is ${JSON.stringify(cuda)}`);
    const { memoryBytes } = process;
    return { image: container.imageDigest, shards, memoryBytes, driver: cuda?.driver, gpus: cuda?.gpus };
  });
  return { dir, digest, before, after };
}

/** A round that begins from now on. */
const next = (pod: Pod, after = roundNow(pod)?.round ?? 0): Promise<Round> =>
  roundAfter(pod, after, NEXT_ROUND_MS);

function sameMemory(before: Round, after: Round): Round {
  must(after.sum === before.sum, `its sum was ${before.sum} and is ${after.sum}`);
  must(after.round > before.round, `its round was ${before.round} and is ${after.round}`);
  return after;
}

interface Restored {
  readonly pod: Pod;
  readonly receipt: Receipt;
}

async function restoredFrom(stage: Stage, artifact: Captured, name: string): Promise<Restored> {
  const { report, engine } = stage;
  const { pod, standby } = await placeholder(stage, name);
  const from = performance.now();
  const { receipt } = await report.check(
    `${name}: the artifact is restored, and proven`,
    async () => {
      const { receipt: proven, timings } = await engine.restore(pod.id, artifact.dir);
      const lack = unproven(proven, artifact.digest);
      must(lack === undefined, lack ?? '');
      return { receipt: proven, timings };
    },
    ({ timings }) => secondsOf(timings),
  );
  await report.check(
    `${name}: the memory is the same, and the round goes on from the captured one`,
    async () => {
      const round = sameMemory(artifact.before, await next(pod));
      const most = artifact.after.round + Math.ceil((performance.now() - from) / ROUND_MS) + 1;
      must(round.round <= most, `its round is ${round.round}, and cannot be above ${most}`);
      return round;
    },
  );
  await report.check(`${name}: the worker is a child of standby in the new container`, async () => {
    const [child, ...others] = children(standby);
    must(child !== undefined && others.length === 0, `standby's children are ${children(standby).join()}`);
    must(child === receipt.hostPid, `it is process ${child}, the receipt says ${receipt.hostPid}`);
    must(status(standby)?.name === standbyComm.restored, `PID 1 is ${status(standby)?.name}`);
    must((await stage.node.runtime.status(pod.id)).state === state.running, 'CRI says that it does not run');
    must(existsSync(join(pod.control, controlFile.restoreComplete)), 'the worker was not told');
    return `${status(child)?.name} is process ${child}, standby ${standby}`;
  });
  return { pod, receipt };
}

async function placeholder(
  { report, order }: Stage,
  name: string,
): Promise<{ readonly pod: Pod; readonly standby: HostPid }> {
  const pod = await report.check(
    `${name}: a placeholder is started through CRI`,
    () => startPlaceholder(order(name)),
    containerOf,
  );
  const cri = new Cri(SOCKET);
  const { pid: standby } = await cri.container(containerId(pod.id)).finally(() => cri.close());
  await report.check(`${name}: standby waits as its PID 1`, async () => {
    // CRI calls a container started when runc is about to become its program.
    const waits = () => status(standby)?.name === standbyComm.waiting;
    must(await comesTrue(waits, STANDBY_WITHIN_MS), `it is ${JSON.stringify(status(standby))}`);
    must(status(standby)?.nsPids.at(-1) === 1, `process ${standby} is not the first of its namespace`);
    return `process ${standby}`;
  });
  return { pod, standby };
}

const ended = ({ report, node: { runtime } }: Stage, { pod, receipt }: Restored): Promise<unknown> =>
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

async function refusedDamaged(stage: Stage, { dir }: Captured): Promise<void> {
  const { report, engine, node } = stage;
  const { pod, standby } = await placeholder(stage, 'damaged');
  await report.check('an artifact with one changed byte in a shard is refused', async () => {
    const shard = damageShard(dir);
    const { reason, message } = await engine.refusal(pod.id, dir);
    must(message.includes(shard), `it was refused for another reason: ${reason}: ${message}`);
    return `${reason}: ${message}`;
  });
  await report.check('its placeholder waits on, with no process in it', async () => {
    must(children(standby).length === 0, `standby has children ${children(standby).join()}`);
    must(status(standby)?.name === standbyComm.claimed, `PID 1 is ${status(standby)?.name}`);
    must((await node.runtime.status(pod.id)).state === state.running, 'CRI says that it does not run');
    return `process ${standby} is ${status(standby)?.name}`;
  });
}
