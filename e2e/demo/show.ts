/** The demo itself: every figure of the report is measured here or read from the objects in the cluster. */
import type { Timing } from '@dynamo-snapshot/api/schema';
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import { secondsBetween } from '@dynamo-snapshot/api/time';
import type { Kube, KubeObject } from '../kube';
import type { Say } from '../stage';
import { ask, checkpointOf, count, placeholder, worker } from '../workload';
import type { CheckpointObject, WorldFile } from '../world';
import { startPod } from './start';
import type { DemoReport } from './table';

const model = { env: { MODEL_MB: '512', WARMUP_SECONDS: '5' } };

export async function show(kube: Kube, world: WorldFile, say: Say): Promise<DemoReport> {
  const [sourceNode, restoreNode] = world.nodes;
  await cleanUp(kube);
  const start = (pod: KubeObject) => startPod(kube, pod, (ip) => ask(ip, '/healthz', 500));

  say(`starting a worker on ${sourceNode} the slow way: loads 512 MiB, warms up`);
  const cold = await start(worker({ name: 'demo-worker', node: sourceNode, ...model }));
  for (let i = 0; i < 41; i++) await count(cold.ip);
  const counterAtCapture = await count(cold.ip);
  say(
    `it serves after ${cold.readySeconds.toFixed(1)} s and has counted to ${counterAtCapture}; capturing it while it serves`,
  );

  const applied = Date.now();
  await kube.apply(checkpointOf('demo', 'demo-worker'));
  await kube.wait('dynamocheckpoint', 'demo', 'jsonpath={.status.phase}=Ready', 180);
  const captureSeconds = (Date.now() - applied) / 1000;
  say((await kube.run(['get', 'checkpoints'])).trimEnd());

  say(`restoring it on ${restoreNode}`);
  const warm = await start(
    placeholder({ name: 'demo-restored', node: restoreNode, checkpoint: 'demo', ...model }),
  );
  const firstCounterAfterRestore = await count(warm.ip);
  say(`it goes on from ${firstCounterAfterRestore}, ${warm.readySeconds.toFixed(1)} s after it was created`);

  say('starting three clones at once');
  const nodes = [restoreNode, sourceNode, restoreNode];
  const clones = await Promise.all(
    nodes.map((node, i) =>
      start(placeholder({ name: `demo-clone-${i + 1}`, node, checkpoint: 'demo', ...model })),
    ),
  );
  const figures = await restoreFigures(kube, warm.uid);
  const { status } = await kube.get<CheckpointObject>('dynamocheckpoint', 'demo');
  return {
    coldStartSeconds: cold.readySeconds,
    captureSeconds,
    sourcePausedSeconds: status?.timings?.find((t) => t.step === 'paused')?.seconds ?? Number.NaN,
    artifactBytes: status?.artifact?.sizeBytes ?? 0,
    restoreSeconds: warm.readySeconds,
    runningToAnswerSeconds: warm.runningToAnswerSeconds,
    ...figures,
    sourceNode,
    restoreNode,
    counterAtCapture,
    firstCounterAfterRestore,
    cloneSeconds: clones.map((c) => c.readySeconds),
  };
}

async function restoreFigures(kube: Kube, podUid: string) {
  const all = await kube.list<SnapshotAssignment>('snapshotassignments');
  const status = all.find((a) => a.spec.operation === 'Restore' && a.spec.pod?.uid === podUid)?.status;
  const criu = secondsOf(status?.receipt?.steps, 'criu') ?? Number.NaN;
  const fill = secondsOf(status?.timings, 'fill') ?? 0;
  const whole = secondsOf(status?.timings, 'total') ?? elapsed(status);
  return { criuRestoreSeconds: criu, fillSeconds: fill, outsideCriuSeconds: whole - criu - fill };
}

const secondsOf = (timings: readonly Timing[] | undefined, step: string): number | undefined =>
  timings?.find((t) => t.step === step)?.seconds;

const elapsed = (status: SnapshotAssignment['status']): number =>
  secondsBetween(status?.startedAt ?? '', status?.finishedAt ?? '');

export async function cleanUp(kube: Kube): Promise<void> {
  await kube.delete('pod', ['demo-worker', 'demo-restored', 'demo-clone-1', 'demo-clone-2', 'demo-clone-3']);
  await kube.delete('dynamocheckpoint', ['demo']);
}
