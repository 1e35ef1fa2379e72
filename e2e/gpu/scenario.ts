/** The life of a worker on a GPU: serves, is captured, restored, captured again, ended, restored again; and an artifact that is damaged. */
import { standbyComm } from '@dynamo-snapshot/api/control';
import { humanBytes } from '@dynamo-snapshot/api/quantity';
import { unproven } from '@dynamo-snapshot/api/receipt';
import { children, status } from '@dynamo-snapshot/node-agent/linux/proc';
import type { Round } from '../../bench/gpu/worker';
import { roundAfter, roundNow } from '../../bench/gpu/worker';
import { state } from './cri';
import { damageMemory } from './damage';
import type { Settings } from './engine';
import { memoryWorker, roundsOf } from './memory-worker';
import type { Node } from './node';
import type { Place } from './place';
import type { Pod } from './pod';
import { startPod } from './pod';
import type { Report } from './report';
import { must, secondsSince } from './report';
import { LAST_FIRST } from './stand-in';
import type { Inspected, Restored, Stage } from './stage';
import { adopted, containerOf, ended, inspected, placeholder, secondsOf, stageOf, storeOf } from './stage';

const SERVES_WITHIN_MS = 90_000;
const NEXT_ROUND_MS = 20_000;
const ROUNDS_BEFORE = 5;
/** A round takes at least so long (worker.c). */
const ROUND_MS = 50;

export async function scenario(place: Place, node: Node, report: Report): Promise<void> {
  const stage = stageOf(place, node, report, memoryWorker(place));
  const source = await report.check(
    'a container is started through CRI',
    () => startPod(stage.order('source')),
    containerOf,
  );
  await report.check('its worker serves', () =>
    roundAfter(roundsOf(source), ROUNDS_BEFORE, SERVES_WITHIN_MS),
  );
  const first = await captured(stage, 'the source', source);
  const restored = await restoredFrom(stage, first, 'restored');
  const second = await captured(stage, 'the restored worker', restored.pod);
  await ended(stage, restored);
  await restoredFrom(stage, second, 'restored-again', LAST_FIRST);
  await restoredFrom(stage, first, 'restored-in-turn', IN_TURN);
  await failedByCriu(stage, first);
  await refusedDamaged(stage, first);
  await report.check('the source serves to the end', async () => sameMemory(first.after, await next(source)));
}

interface Captured {
  readonly dir: string;
  readonly digest: string;
  readonly areas: Inspected['areas'];
  /** The captured round is one of these, or between. */
  readonly before: Round;
  readonly after: Round;
}

async function captured(stage: Stage, who: string, pod: Pod): Promise<Captured> {
  const { place, report, engine } = stage;
  const dir = storeOf(place, pod);
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
    sameMemory(before, await next(pod, roundNow(roundsOf(pod))?.round)),
  );
  const { areas } = await inspected(stage, dir, digest);
  await report.check('what was on the GPU is in memory that its driver had mapped', () => {
    const bytes = areas.reduce((sum, { start, end }) => sum + end - start, 0);
    must(bytes >= place.gibibytes * 2 ** 30, `the manifest names ${humanBytes(bytes)} of it`);
    return `${humanBytes(bytes)} in ${areas.length}`;
  });
  return { dir, digest, areas, before, after };
}

/** A round that begins from now on. */
const next = (pod: Pod, after = roundNow(roundsOf(pod))?.round ?? 0): Promise<Round> =>
  roundAfter(roundsOf(pod), after, NEXT_ROUND_MS);

function sameMemory(before: Round, after: Round): Round {
  must(after.sum === before.sum, `its sum was ${before.sum} and is ${after.sum}`);
  must(after.round > before.round, `its round was ${before.round} and is ${after.round}`);
  return after;
}

/** What was on the GPU is filled in before the driver is asked for anything. */
const IN_TURN = { SNAPSHOT_GPU_OVERLAP: 'false' } as const;

async function restoredFrom(
  stage: Stage,
  artifact: Captured,
  name: string,
  settings: Settings = {},
): Promise<Restored> {
  const { report, engine } = stage;
  const waiting = await placeholder(stage, name);
  const { pod } = waiting;
  const from = performance.now();
  const { receipt } = await report.check(
    `${name}: the artifact is restored, and proven`,
    async () => {
      const { receipt: proven, timings } = await engine.restore(pod.id, artifact.dir, settings);
      const lack = unproven(proven, artifact.digest);
      must(lack === undefined, lack ?? '');
      const overlaps = timings.some(({ step }) => step === 'fillBehind');
      must(overlaps === (settings !== IN_TURN), `the driver ${overlaps ? 'read' : 'did not read'} meanwhile`);
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
  await adopted(stage, name, waiting, receipt);
  return { pod, receipt };
}

const ENDS_WITHIN_SECONDS = 10;

/** CRIU ends at once, and never asks for the gate that stands ready for it. */
const NO_CRIU = { SNAPSHOT_CRIU: '/bin/false' } as const;

const failedByCriu = (stage: Stage, artifact: Captured): Promise<void> =>
  refused(stage, artifact, 'no-criu', 'a restore in which CRIU fails fails too', async (id) => {
    const from = performance.now();
    const { reason, message } = await stage.engine.refusal(id, artifact.dir, NO_CRIU);
    const isCrius = reason === 'RestoreFailed' && message.includes('criu restore: exit 1');
    must(isCrius, `it failed for another reason: ${reason}: ${message}`);
    // The engine has ended, and waits for nobody who would have come to the gate.
    must(secondsSince(from) < ENDS_WITHIN_SECONDS, `it took ${secondsSince(from)} s`);
    return `${reason}: ${message}`;
  });

const refusedDamaged = (stage: Stage, artifact: Captured): Promise<void> =>
  refused(
    stage,
    artifact,
    'damaged',
    'an artifact with one changed byte of what was on the GPU is refused',
    async (id) => {
      const { shard, offset } = damageMemory(artifact.dir, artifact.areas);
      const { reason, message } = await stage.engine.refusal(id, artifact.dir, LAST_FIRST);
      const asDamaged =
        reason === 'ArtifactDamaged' && message === `${shard} has another content at ${offset}`;
      must(asDamaged, `it was refused for another reason: ${reason}: ${message}`);
      return `${reason}: ${message}`;
    },
  );

/** The engine ends with its reason, and nothing has happened to the placeholder. */
async function refused(
  stage: Stage,
  { after }: Captured,
  name: string,
  what: string,
  refusal: (id: string) => Promise<string>,
): Promise<void> {
  const { report, node } = stage;
  const { pod, standby } = await placeholder(stage, name);
  await report.check(what, () => refusal(pod.id));
  await report.check('its placeholder waits on, with no process in it', async () => {
    must(children(standby).length === 0, `standby has children ${children(standby).join()}`);
    must(status(standby)?.name === standbyComm.claimed, `PID 1 is ${status(standby)?.name}`);
    must((await node.runtime.status(pod.id)).state === state.running, 'CRI says that it does not run');
    const served = roundNow(roundsOf(pod))?.round ?? 0;
    must(served <= after.round, `a worker has served in it: its round is ${served}`);
    return `process ${standby} is ${status(standby)?.name}`;
  });
}
