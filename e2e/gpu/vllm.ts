/** The life of a vLLM server: started cold, captured while it serves, restored twice, each time in a container with another address. */
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import type { ArtifactRef } from '@dynamo-snapshot/api/layout';
import { humanBytes } from '@dynamo-snapshot/api/quantity';
import { unproven } from '@dynamo-snapshot/api/receipt';
import { containerId } from '@dynamo-snapshot/node-agent/linux/ids';
import { touch } from '../../bench/gpu/machine';
import { say } from '../../bench/gpu/say';
import { answers, complete, prompts, TOKENS } from '../../bench/gpu/vllm/ask';
import { makeModel } from '../../bench/gpu/vllm/model';
import type { ColdStarts, VllmStage } from './cold';
import { coldStarts, stopped } from './cold';
import { tellPods, usedGpuBytes } from './look';
import type { Node } from './node';
import type { Place, VllmPlace } from './place';
import { programOf } from './place';
import type { Pod } from './pod';
import type { Report } from './report';
import { must, secondsSince } from './report';
import { addressOf, serverOf } from './server';
import type { Placeholder, Restored, Stage } from './stage';
import { adopted, ended, inspected, pidOf, placeholder, secondsOf, stageOf, storeOf } from './stage';

/** What a capture and a restore need of the node's memory beside each other, in copies of what is on the GPU. */
const COPIES = { capture: 3.2, restore: 1.3 } as const;

export async function vllmScenario(place: Place, vllm: VllmPlace, node: Node, report: Report): Promise<void> {
  const server = serverOf(place, vllm);
  const stage = { ...stageOf(place, node, report, server.workload), vllm, server, pods: [] };
  say('mounted', server.workload.mounts.map(({ host, path }) => `${host} at ${path}`).join(', '));
  try {
    await life(stage);
  } catch (error) {
    await tellPods(stage.pods);
    throw error;
  }
}

async function life(stage: VllmStage): Promise<void> {
  const { report, vllm, server, place } = stage;
  if (place.gpu)
    await report.check('a model of random weights is made', () =>
      makeModel(programOf(place, 'model.py'), server.modelFolder, vllm.model),
    );
  const { pod: source, seconds: cold } = await coldStarts(stage);
  const reference = await report.check('the source answers both prompts from its prefix cache', async () => {
    await answers(addressOf(source));
    return answers(addressOf(source));
  });
  const artifact = await captured(stage, source, reference);
  const restored = [
    await restoredFrom(stage, artifact, 'restored'),
    await restoredFrom(stage, artifact, 'restored-again'),
  ];
  await sideBySide(stage, [source, ...restored.map(({ pod }) => pod)], reference);
  await report.check(`seconds until token ${TOKENS}`, () => inShort(cold, restored));
  nothingOfCriu(stage, 'the source', await pidOf(source));
  for (const { pod, receipt } of restored) nothingOfCriu(stage, pod.facts.name, receipt.hostPid);
  for (const one of restored) await ended(stage, one);
  await report.check('the source is ended through CRI', () => stopped(stage, source));
}

const sideBySide = ({ report }: Stage, pods: readonly Pod[], reference: string): Promise<unknown> =>
  report.check('source and clones serve side by side, with the same tokens', async () => {
    await Promise.all(pods.map((pod) => sameTokens(pod, reference)));
    return pods.map(({ address }) => address).join(', ');
  });

const inShort = (cold: ColdStarts['seconds'], restored: readonly RestoredServer[]) => ({
  cold,
  restored: restored.map(({ seconds, engineSeconds, sincePod }) => ({ seconds, engineSeconds, sincePod })),
  timesFaster: Object.fromEntries(
    Object.entries(cold).map(([kind, s]) => [
      kind,
      restored.map(({ seconds }) => Number((s / seconds).toFixed(1))),
    ]),
  ),
});

interface Captured {
  readonly dir: string;
  readonly digest: string;
  readonly identity: ArtifactRef;
  readonly source: Pod;
  readonly reference: string;
  readonly gpuBytes: number;
}

async function captured(stage: VllmStage, source: Pod, reference: string): Promise<Captured> {
  const { place, report, engine, server } = stage;
  const { tcp, excludePaths } = server.profile;
  const dir = storeOf(place, source);
  const gpuBytes = place.gpu ? usedGpuBytes() : 0;
  touch(place, COPIES.capture * gpuBytes);
  const identity = { namespace: 'default', identityHash: '0'.repeat(16), uid: randomUUID() };
  const { artifactDigest: digest } = await report.check(
    'the source is captured while it serves',
    async () => {
      const { artifactDigest, sizeBytes, pausedSeconds, timings } = await engine.operate({
        ...{ operation: 'Capture', artifactDir: dir, stagingDir: `${dir}.staging`, artifact: identity },
        ...{ containerId: containerId(source.id), pod: source.facts, afterCapture: 'KeepRunning' },
        ...(tcp === undefined ? {} : { tcp }),
        ...(excludePaths === undefined ? {} : { excludePaths }),
      });
      return { artifactDigest, sizeBytes, pausedSeconds, timings };
    },
    ({ sizeBytes, timings }) => `${humanBytes(sizeBytes)}; ${secondsOf(timings)}`,
  );
  await report.check('the source serves on, with the same tokens', () => sameTokens(source, reference));
  await inspected(stage, dir, digest);
  return { dir, digest, identity, source, reference, gpuBytes };
}

async function sameTokens(pod: Pod, reference: string): Promise<string> {
  const told = await answers(addressOf(pod));
  must(told === reference, `they are ${told}, and were ${reference}`);
  return told;
}

/** criu/files-reg.c: names for unlinked files, which a restore uses up. */
const LEFT = /^(link_remap\.|\.?cr_link|cr_ghost)|\.(cr_link|cr_ghost)\b/;

/** Of a process and its shared memory. */
function nothingOfCriu({ report }: Stage, who: string, pid: number | undefined): void {
  const names = readdirSync(`/proc/${pid}/root/dev/shm`);
  say(`shared memory of ${who}`, names.join(' '));
  const left = names.filter((name) => LEFT.test(name));
  report.told(`no file of CRIU's is left in the shared memory of ${who}`, left.length === 0, left.join());
}

interface RestoredServer extends Restored {
  /** From the engine's call until the last token; of which the engine. */
  readonly seconds: number;
  readonly engineSeconds: number;
  /** From the creation of the placeholder's pod. */
  readonly sincePod: number;
}

async function restoredFrom(stage: VllmStage, artifact: Captured, name: string): Promise<RestoredServer> {
  const { report, place, pods } = stage;
  touch(place, COPIES.restore * artifact.gpuBytes);
  const created = performance.now();
  const waiting = await placeholder(stage, name);
  const { pod } = waiting;
  const others = pods.map(({ address }) => address);
  pods.push(pod);
  await report.check(`${name}: it has an address of its own`, () => {
    must(!others.includes(pod.address), `${pod.address} is that of another pod`);
    return `${pod.address}; the source has ${artifact.source.address}`;
  });
  const restored = await report.check(
    `${name}: restored, from the engine's call until token ${TOKENS} over HTTP at the new address`,
    () => restoredServer(stage, artifact, waiting, created),
    ({ seconds, sincePod, timings }) =>
      `${seconds} s (${sincePod} s since the pod was created); ${secondsOf(timings)}`,
  );
  const { receipt } = restored;
  await report.check(`${name}: the tokens are the same`, () => sameTokens(pod, artifact.reference));
  await adopted(stage, name, waiting, receipt);
  return { pod, ...restored };
}

async function restoredServer(
  { engine }: VllmStage,
  { dir, digest, identity, reference }: Captured,
  { pod }: Placeholder,
  created: number,
) {
  const called = performance.now();
  const { receipt, timings } = await engine.operate({
    ...{ operation: 'Restore', artifactDir: dir, artifact: identity, artifactDigest: digest },
    ...{ containerId: containerId(pod.id), pod: pod.facts },
  });
  const engineSeconds = secondsSince(called);
  const tokens = await complete(addressOf(pod), prompts[0]);
  const times = { seconds: secondsSince(called), engineSeconds, sincePod: secondsSince(created) };
  const lack = unproven(receipt, digest);
  must(lack === undefined, lack ?? '');
  must(reference.startsWith(tokens), `its tokens are ${tokens}, and were ${reference}`);
  return { ...times, tokens, receipt, timings };
}
