/** `restore CHECKPOINT`: makes a pod from the one that was captured, and follows it until the worker is back. */
import { readFileSync } from 'node:fs';
import type { V1Pod } from '@kubernetes/client-node';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { STANDBY_PATH } from '@dynamo-snapshot/api/control';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { parse } from 'yaml';
import { exitCode } from '../exit';
import type { AddCommand, Session } from '../session';
import { restorePod } from './restore-pod';
import { waitForRestore } from './restore-wait';
import { seconds } from './values';

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
  return options.wait ? waitForRestore(session, made, options.timeout) : exitCode.ok;
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
