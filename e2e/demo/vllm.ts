/** The demo with a real engine: vLLM starts the slow way, is captured while it serves, and goes on in other pods. */
import { annotation } from '@dynamo-snapshot/api/names';
import { humanBytes, humanSeconds } from '@dynamo-snapshot/api/quantity';
import { answersOf } from '../engines/vllm/load';
import { capturable, checkpointOfServer, complete, server } from '../engines/vllm/server';
import type { Kube } from '../kube';
import type { Say } from '../stage';
import type { CheckpointObject, WorldFile } from '../world';
import { startPod } from './start';
import type { Row } from './table';

export interface VllmReport {
  /** Pod created -> Ready. */
  readonly coldStartSeconds: number;
  readonly captureSeconds: number;
  readonly sourcePausedSeconds: number;
  readonly artifactBytes: number;
  readonly restoreSeconds: number;
  readonly cloneSeconds: readonly number[];
  readonly completion: string;
  /** Every restored one said the same to every prompt. */
  readonly sameCompletions: boolean;
}

const [SOURCE, RESTORED, ...CLONES] = [
  'demo-vllm',
  'demo-vllm-restored',
  'demo-vllm-1',
  'demo-vllm-2',
] as const;
const PROMPT = 'Once upon a time';
const COLD_SECONDS = 900;

export async function showVllm(kube: Kube, world: WorldFile, folder: string, say: Say): Promise<VllmReport> {
  const [sourceNode, restoreNode] = world.nodes;
  await cleanUp(kube);
  const asks = (ip: string) => complete(ip, PROMPT, 2000);
  const restored = (name: string, node: string) =>
    startPod(
      kube,
      server(name, node, { folder, annotations: { [annotation.restoreFrom]: SOURCE } }),
      asks,
      300,
    );

  say(`starting vLLM on ${sourceNode} the slow way: minutes on few cores`);
  const cold = await startPod(
    kube,
    server(SOURCE, sourceNode, { folder, annotations: capturable }),
    asks,
    COLD_SECONDS,
  );
  const expected = await answersOf(cold.ip);
  say(`it serves after ${cold.readySeconds.toFixed(1)} s; capturing it while it serves`);
  const applied = Date.now();
  await kube.apply(checkpointOfServer(SOURCE, SOURCE, {}));
  await kube.wait('dynamocheckpoint', SOURCE, 'jsonpath={.status.phase}=Ready', 300);
  const captureSeconds = (Date.now() - applied) / 1000;
  say((await kube.run(['get', 'checkpoints'])).trimEnd());

  say(`restoring it on ${restoreNode}`);
  const warm = await restored(RESTORED, restoreNode);
  const answers = [await answersOf(warm.ip)];
  say(`it serves after ${warm.readySeconds.toFixed(1)} s; two clones at once, in place of the source`);
  await kube.delete('pod', [SOURCE, RESTORED]);
  const nodes = [sourceNode, restoreNode];
  const clones = await Promise.all(CLONES.map((name, i) => restored(name, nodes[i] ?? restoreNode)));
  for (const { ip } of clones) answers.push(await answersOf(ip));
  const { status } = await kube.get<CheckpointObject>('dynamocheckpoint', SOURCE);
  return {
    coldStartSeconds: cold.readySeconds,
    captureSeconds,
    sourcePausedSeconds: status?.timings?.find((t) => t.step === 'paused')?.seconds ?? Number.NaN,
    artifactBytes: status?.artifact?.sizeBytes ?? 0,
    restoreSeconds: warm.readySeconds,
    cloneSeconds: clones.map((c) => c.readySeconds),
    completion: expected[PROMPT] ?? '',
    sameCompletions: answers.every((a) => JSON.stringify(a) === JSON.stringify(expected)),
  };
}

export const vllmRows = (r: VllmReport): readonly Row[] => [
  ['cold start (pod created -> Ready)', humanSeconds(r.coldStartSeconds)],
  ['capture (applied -> Ready)', humanSeconds(r.captureSeconds)],
  ['  source stood still', humanSeconds(r.sourcePausedSeconds)],
  ['  artifact', humanBytes(r.artifactBytes)],
  ['restore on the other node (pod created -> Ready)', humanSeconds(r.restoreSeconds)],
  ['two clones at once', r.cloneSeconds.map(humanSeconds).join(', ')],
  [`completion of "${PROMPT}"`, JSON.stringify(r.completion)],
  ['the same in every clone', r.sameCompletions ? 'yes, to the letter' : 'NO'],
  ['cold start : restore', `${(r.coldStartSeconds / r.restoreSeconds).toFixed(1)} : 1`],
];

async function cleanUp(kube: Kube): Promise<void> {
  await kube.delete('pod', [SOURCE, RESTORED, ...CLONES]);
  await kube.delete('dynamocheckpoint', [SOURCE]);
}
