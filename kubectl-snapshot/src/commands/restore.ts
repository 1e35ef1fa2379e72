/** `restore CHECKPOINT`: makes a pod from the one that was captured, and follows it until the worker is back. */
import { readFileSync } from 'node:fs';
import type { V1Pod } from '@kubernetes/client-node';
import type { SnapshotAssignment } from '@dynamo-snapshot/api/assignment';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { findCondition } from '@dynamo-snapshot/api/conditions';
import { STANDBY_PATH } from '@dynamo-snapshot/api/control';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { RESTORED_CONDITION } from '@dynamo-snapshot/api/names';
import { humanSeconds } from '@dynamo-snapshot/api/quantity';
import { parse } from 'yaml';
import { assignments } from '../cluster/cluster';
import { exitCode } from '../exit';
import { operationLine, operationOf } from '../operations/operation';
import type { AddCommand, Session } from '../session';
import { restorePod } from './restore-pod';
import { seconds } from './values';
import { timingsLine } from './wait';

interface RestoreOptions {
  readonly name?: string;
  readonly node?: string;
  readonly filename?: string;
  readonly wait: boolean;
  readonly timeout: number;
}

export const addRestore: AddCommand = (program, run) => {
  program
    .command('restore')
    .argument('<checkpoint>', 'a checkpoint that is Ready')
    .description('make a pod that is restored from a checkpoint, and wait until its worker is back')
    .option('--name <pod>', 'of the new pod; default: the name of the checkpoint and five letters')
    .option('--node <node>', 'where it shall run; default: where the scheduler puts it')
    .option('-f, --filename <file>', 'pod to take instead of the captured one, which may be gone')
    .option('--no-wait', 'end when the pod is made')
    .option('--timeout <seconds>', 'how long to wait', seconds, 600)
    .addHelpText(
      'after',
      '\nThe pod has what the captured one had, but what binds that to its controller. The admission webhook of the operator makes a\nplaceholder of it (docs/restore-pods.md); without the webhook nothing is made.',
    )
    .action(function (this, checkpoint: string, options: RestoreOptions) {
      return run(this, (session) => restore(session, checkpoint, options));
    });
};

async function restore(session: Session, name: string, options: RestoreOptions): Promise<number> {
  const { namespace, cluster } = session;
  const checkpoint = await cluster.checkpoint(namespace, name);
  if (checkpoint.status?.phase !== 'Ready')
    throw new TerminalError(
      'CheckpointNotReady',
      `checkpoint ${name} is ${checkpoint.status?.phase ?? 'Pending'}, not Ready`,
    );
  const source = await sourceOf(session, checkpoint, options.filename);
  const pod = restorePod(source, {
    checkpoint: name,
    namespace,
    name: options.name ?? `${name}-${Math.random().toString(36).slice(2, 7)}`,
    ...(options.node === undefined ? {} : { node: options.node }),
  });
  refuseUnshaped(await cluster.createPod(pod, true));
  const made = await cluster.createPod(pod, false);
  session.world.out.write(`pod ${made.metadata?.name} created in namespace ${namespace}\n`);
  return options.wait ? waitForPod(session, made, options.timeout) : exitCode.ok;
}

/** A pod that nobody has made a placeholder of would start the slow way, and say that it was restored from something. */
function refuseUnshaped(dryRun: V1Pod): void {
  const containers = dryRun.spec?.containers ?? [];
  if (containers.some((c) => [...(c.command ?? []), ...(c.args ?? [])].includes(STANDBY_PATH))) return;
  throw new TerminalError(
    'WebhookMissing',
    'no admission webhook has made a placeholder of the pod, so nothing was made: kubectl snapshot doctor tells why, docs/restore-pods.md how to write one by hand',
  );
}

async function sourceOf(
  session: Session,
  { spec, status }: DynamoCheckpoint,
  file: string | undefined,
): Promise<V1Pod> {
  if (file !== undefined) return parse(readFileSync(file, 'utf8')) as V1Pod;
  if (spec.job !== undefined) return spec.job.podTemplateSpec as unknown as V1Pod;
  const name = status?.podName ?? spec.source?.podName ?? '';
  const pod = await session.cluster.pod(session.namespace, name);
  if (pod === undefined)
    throw new TerminalError(
      'SourcePodGone',
      `pod ${name}, which was captured, is gone: give a pod like it with -f`,
    );
  return pod;
}

interface Ended {
  readonly ok: boolean;
  readonly restore?: SnapshotAssignment;
}

async function waitForPod(session: Session, pod: V1Pod, timeout: number): Promise<number> {
  const { out, err, clock, signal } = session.world;
  const live = out.live();
  const look = { colours: out.colours, bars: out.isTerminal };
  const started = clock.now();
  const stop = AbortSignal.any([signal, AbortSignal.timeout(timeout * 1000)]);
  const restores = session.cluster.follow<SnapshotAssignment, Ended>(
    assignments(session.namespace),
    stop,
    (list) => {
      const mine = list.find((a) => a.spec.operation === 'Restore' && a.spec.pod?.uid === pod.metadata?.uid);
      if (mine === undefined) return undefined;
      const operation = operationOf(mine);
      const line = operationLine(operation, clock.now(), look);
      const { step } = operation.progress ?? {};
      const told =
        step === undefined || operation.phase !== 'Running'
          ? operation
          : { ...operation, progress: { step, summary: step } };
      live.draw([line], [operationLine(told, clock.now(), look)]);
      if (operation.phase === 'Succeeded') return { ok: true, restore: mine };
      return operation.phase === 'Failed' || operation.phase === 'Cancelled'
        ? { ok: false, restore: mine }
        : undefined;
    },
  );
  const ended = await restores;
  live.done();
  if (ended === undefined) {
    err.write(
      `${signal.aborted ? 'interrupted' : `not restored within ${humanSeconds(timeout)}`}; the pod stays: kubectl describe pod ${pod.metadata?.name}\n`,
    );
    return signal.aborted ? exitCode.interrupted : exitCode.timedOut;
  }
  if (!ended.ok) return exitCode.operationFailed;
  await session.cluster.podIs(
    pod,
    stop,
    (p) => findCondition(p.status?.conditions, RESTORED_CONDITION)?.status === 'True',
  );
  out.write(
    `restored in ${humanSeconds((clock.now() - started) / 1000)}: ${timingsLine(ended.restore?.status?.timings ?? [])}\n`,
  );
  return exitCode.ok;
}
