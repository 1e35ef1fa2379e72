/** A real vLLM: captured while it serves, restored on the other node, cloned, and scaled up by restores. */
import { readFileSync } from 'node:fs';
import { annotation } from '@dynamo-snapshot/api/names';
import { secondsBetween } from '@dynamo-snapshot/api/time';
import type { CheckpointObject, PodStatus, WorldFile } from '../world';
import { conditionOf, restoredCondition, World, worldFile } from '../world';
import type { Answers } from './vllm/load';
import { answersOf, load } from './vllm/load';
import {
  capturable,
  checkpointOfServer,
  complete,
  isPaused,
  server,
  servers,
  VLLM_PATH,
} from './vllm/server';

const REQUESTS = 100;
/** So many come before the capture, and so many after it; the others while it lasts. */
const [BEFORE, AFTER] = [10, 20];
const START_SECONDS = 600;
const scaled = { app: 'vllm-scaled' };

describe('vLLM', () => {
  const world = new World();
  const { engineFolder: folder = '' } = JSON.parse(readFileSync(worldFile, 'utf8')) as WorldFile;
  let answers: Answers = {};
  afterAll(() => world.clean());

  const readyAfter = (pod: PodStatus) =>
    secondsBetween(pod.metadata.creationTimestamp, conditionOf(pod, 'Ready')?.lastTransitionTime ?? '');
  const restoredPod = async (name: string) => {
    const pod = await world.ready(name, 180);
    expect(restoredCondition(pod)).toMatchObject({ status: 'True', reason: 'RestoreSucceeded' });
    return pod;
  };

  it('starts where admission has prepared its pod, and gives the same completion twice', async () => {
    await world.make(server('vllm', world.nodeA, { folder, annotations: capturable }));
    const pod = await world.ready('vllm', START_SECONDS);
    answers = await answersOf(pod.status.podIP);
    expect(await answersOf(pod.status.podIP)).toEqual(answers);
    expect(new Set(Object.values(answers)).size).toBeGreaterThan(1);
    console.log(`cold start: ${readyAfter(pod)} s`, answers);
  });

  it('loses no request for good while it is captured, and answers none otherwise', async () => {
    const { ip } = await served('vllm');
    const made = Promise.withResolvers<void>();
    const over = Promise.withResolvers<void>();
    const pace = async (begun: number) => {
      if (begun === BEFORE) made.resolve();
      if (begun > REQUESTS - AFTER) await over.promise;
    };
    const clients = load(ip, answers, REQUESTS, pace);
    await made.promise;
    await world.make(checkpointOfServer('vllm', 'vllm', { podSelector: { matchLabels: scaled } }));
    const checkpoint = await world.checkpointReady('vllm', 180).finally(over.resolve);
    const outcome = await clients;
    console.log(figures(checkpoint), outcome);
    expect(outcome).toMatchObject({ answered: REQUESTS, lost: [], other: [] });
    // Some were on their way while it stood still, or nothing is shown.
    expect(outcome.longestMs / 1000).toBeGreaterThan(stoodStill(checkpoint) / 2);
    expect(await isPaused(ip)).toBe(false);
    const { status } = await world.kube.get<PodStatus>('pod', 'vllm');
    expect(status.containerStatuses?.[0]?.restartCount).toBe(0);
  });

  it('goes on in a pod of the other node, which is Ready only when it is awake', async () => {
    const annotations = { [annotation.restoreFrom]: 'vllm' };
    await world.make(server('vllm-clone', world.nodeB, { folder, annotations }));
    const pod = await restoredPod('vllm-clone');
    const { podIP } = pod.status;
    expect(await isPaused(podIP)).toBe(false);
    expect(await answersOf(podIP)).toEqual(answers);
    expect(await world.kube.logs('vllm-clone')).toContain('POST /resume');
    console.log(`restore: ${readyAfter(pod)} s`);
  });

  it('scales a Deployment up by two clones at once, which serve under load', async () => {
    await world.kube.delete('pod', ['vllm', 'vllm-clone']);
    await world.make(servers('vllm-scaled', scaled, folder));
    await world.kube.run(['scale', 'deployment/vllm-scaled', '--replicas=2']);
    await world.kube.wait('deployment', 'vllm-scaled', 'jsonpath={.status.readyReplicas}=2', 300);
    const pods = await world.kube.list<PodStatus>('pods', 'app=vllm-scaled');
    for (const pod of pods)
      expect(restoredCondition(pod)).toMatchObject({ status: 'True', reason: 'RestoreSucceeded' });
    const outcomes = await Promise.all(pods.map((p) => load(p.status.podIP, answers, REQUESTS)));
    const all = { answered: REQUESTS, lost: [], other: [] };
    expect(outcomes).toEqual([expect.objectContaining(all), expect.objectContaining(all)]);
    console.log(`two at once: ${pods.map(readyAfter).join(', ')} s`, outcomes);
  });

  it('that started with an io_uring is refused, with what to do about it, and goes on', async () => {
    // What uvicorn runs on, without the minutes that an engine takes.
    const loop = [
      'import asyncio, uvloop',
      'async def answer(reader, writer):',
      "    await reader.readuntil(b'\\r\\n\\r\\n')",
      "    writer.write(b'HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\nconnection: close\\r\\n\\r\\n{}'); writer.close()",
      'async def main():',
      "    await (await asyncio.start_server(answer, '0.0.0.0', 8000)).serve_forever()",
      'uvloop.run(main())',
    ].join('\n');
    const command = [`${VLLM_PATH}/bin/python`, '-c', loop];
    await world.make(server('uvloop', world.nodeA, { folder, command }));
    await world.ready('uvloop', 120);
    await world.make(checkpointOfServer('uvloop', 'uvloop', {}));
    await world.kube.wait('dynamocheckpoint', 'uvloop', 'jsonpath={.status.phase}=Failed', 90);
    const { status } = await world.kube.get<CheckpointObject>('dynamocheckpoint', 'uvloop');
    expect(status?.message).toMatch(/io_uring.*nvidia\.com\/snapshot-backend/);
    const { status: pod } = await world.kube.get<PodStatus>('pod', 'uvloop');
    expect(pod.containerStatuses?.[0]).toMatchObject({ ready: true, restartCount: 0 });
  });

  async function served(name: string) {
    const { status } = await world.kube.get<PodStatus>('pod', name);
    expect(await complete(status.podIP, Object.keys(answers)[0] ?? '')).toBe(Object.values(answers)[0]);
    return { ip: status.podIP };
  }
});

const stoodStill = ({ status }: CheckpointObject): number =>
  status?.timings?.find((t) => t.step === 'paused')?.seconds ?? Number.NaN;

const figures = ({ status }: CheckpointObject): string =>
  `captured ${status?.artifact?.size ?? ''}: ${(status?.timings ?? []).map((t) => `${t.step} ${t.seconds} s`).join(', ')}`;
