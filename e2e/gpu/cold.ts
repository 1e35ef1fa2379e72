/** Cold starts of a server, each in a pod of its own; the last one stays. */
import { setTimeout as delay } from 'node:timers/promises';
import { say } from '../../bench/gpu/say';
import { firstAnswer, TOKENS } from '../../bench/gpu/vllm/ask';
import type { Start } from '../../bench/gpu/vllm/starts';
import { state } from './cri';
import type { Node } from './node';
import type { VllmPlace } from './place';
import type { Pod } from './pod';
import { startPod } from './pod';
import { must, secondsSince } from './report';
import type { Server } from './server';
import { addressOf } from './server';
import type { Stage } from './stage';
import { containerOf } from './stage';

const STARTS_WITHIN_MS = 280_000;
const LOOK_MS = 500;
const GRACE_SECONDS = 1;

const compiled: Readonly<Record<Start, string>> = {
  empty: 'with nothing compiled',
  warm: 'with everything compiled',
};

export interface VllmStage extends Stage {
  readonly vllm: VllmPlace;
  readonly server: Server;
  /** All that were started. */
  readonly pods: Pod[];
}

export interface ColdStarts {
  /** Of the last start. */
  readonly pod: Pod;
  readonly seconds: Readonly<Partial<Record<Start, number>>>;
}

export async function coldStarts(stage: VllmStage): Promise<ColdStarts> {
  const { report, vllm } = stage;
  let last: Pod | undefined;
  const seconds: Partial<Record<Start, number>> = {};
  for (const kind of vllm.starts) {
    const before = last;
    if (before !== undefined)
      await report.check('the server before is ended through CRI', () => stopped(stage, before));
    say('cold start', `${compiled[kind]}, begins`);
    const from = performance.now();
    const pod = await started(stage, `cold-${kind}`);
    last = pod;
    await report.check(
      `cold start ${compiled[kind]}, from the pod's creation until token ${TOKENS}`,
      async () => {
        const over = new AbortController();
        const tokens = await firstAnswer(
          addressOf(pod),
          exit(stage.node, pod, over.signal),
          STARTS_WITHIN_MS,
        ).finally(() => over.abort());
        seconds[kind] = secondsSince(from);
        return { seconds: seconds[kind], address: pod.address, tokens };
      },
    );
  }
  if (last === undefined) throw new Error('E2E_STARTS names no start');
  return { pod: last, seconds };
}

async function started(stage: VllmStage, name: string): Promise<Pod> {
  const pod = await stage.report.check(
    `${name}: a container is started through CRI`,
    () => startPod(stage.order(name)),
    (one) => `${containerOf(one)} at ${one.address}`,
  );
  stage.pods.push(pod);
  return pod;
}

/** Rejects when the container has ended. */
async function exit(node: Node, pod: Pod, signal: AbortSignal): Promise<never> {
  for (;;) {
    await delay(LOOK_MS, undefined, { signal });
    const { state: now, exit_code: code } = await node.runtime.status(pod.id);
    if (now === state.exited) throw new Error(`the container has ended with exit code ${code}`);
  }
}

export async function stopped({ node: { runtime } }: Stage, pod: Pod): Promise<string> {
  await runtime.stop(pod.id, GRACE_SECONDS);
  const { exit_code: code, state: now } = await runtime.status(pod.id);
  must(now === state.exited, `its state is ${now}`);
  return `exit code ${code}`;
}
