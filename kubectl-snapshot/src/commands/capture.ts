/** `capture POD|-f FILE`: makes a DynamoCheckpoint and follows it until it is Ready. */
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { CheckpointSpec, DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { API_VERSION, CHECKPOINT } from '@dynamo-snapshot/api/names';
import { checkCheckpointSpec } from '@dynamo-snapshot/api/validate';
import { parseAllDocuments } from 'yaml';
import type { NewCheckpoint } from '../cluster/cluster';
import { exitCode } from '../exit';
import type { AddCommand, Session } from '../session';
import { seconds } from './values';
import { waitForCheckpoint } from './wait';

interface CaptureOptions {
  readonly filename?: string;
  readonly name?: string;
  readonly model?: string;
  readonly backend: string;
  readonly container?: string;
  readonly wait: boolean;
  readonly timeout: number;
}

export const addCapture: AddCommand = (program, run) => {
  program
    .command('capture')
    .argument('[pod]', 'pod that serves already; it goes on serving')
    .description('capture a pod that serves, or what FILE says, and wait until the checkpoint is Ready')
    .option('-f, --filename <file>', 'a DynamoCheckpoint as YAML or JSON; - reads it from stdin')
    .option('--name <name>', 'of the checkpoint; default: the name of the pod')
    .option(
      '--model <model>',
      'what the worker has loaded (spec.identity.model); default: the name of the pod',
    )
    .option('--backend <backend>', 'spec.identity.backendFramework', 'generic')
    .option('-c, --container <name>', 'container to capture; default "main", or the only one')
    .option('--no-wait', 'end when the checkpoint is made')
    .option('--timeout <seconds>', 'how long to wait', seconds, 900)
    .addHelpText('after', '\nAn interrupt ends the waiting, not the capture.')
    .action(function (this, pod: string | undefined, options: CaptureOptions) {
      return run(this, (session) => capture(session, pod, options));
    });
};

async function capture(session: Session, pod: string | undefined, options: CaptureOptions): Promise<number> {
  const { out } = session.world;
  const made = await session.cluster.createCheckpoint(await wanted(session, pod, options));
  const { name, namespace } = made.metadata;
  out.write(`checkpoint ${name} created in namespace ${namespace}\n`);
  return options.wait ? waitForCheckpoint(session, made, options.timeout) : exitCode.ok;
}

async function wanted(
  session: Session,
  pod: string | undefined,
  options: CaptureOptions,
): Promise<NewCheckpoint> {
  if ((pod === undefined) === (options.filename === undefined))
    throw new TerminalError('Usage', 'name a pod, or a file with -f, and not both');
  if (pod !== undefined) return checkpointOfPod(session.namespace, pod, options);
  const file = options.filename ?? '-';
  const given = file === '-' ? await text(session.world.stdin) : readFileSync(file, 'utf8');
  return checkpointOfFile(file, given, session, options.name);
}

export function checkpointOfPod(
  namespace: string,
  pod: string,
  {
    name = pod,
    model = pod,
    backend,
    container,
  }: Pick<CaptureOptions, 'name' | 'model' | 'backend' | 'container'>,
): NewCheckpoint {
  const spec = checkCheckpointSpec({
    identity: { model, backendFramework: backend },
    source: { podName: pod, ...(container === undefined ? {} : { containerName: container }) },
  });
  return { apiVersion: API_VERSION, kind: CHECKPOINT.kind, metadata: { name, namespace }, spec };
}

function checkpointOfFile(
  file: string,
  given: string,
  session: Session,
  name: string | undefined,
): NewCheckpoint {
  const objects = parseAllDocuments(given).map((doc) => {
    const [fault] = doc.errors;
    if (fault !== undefined) throw new TerminalError('Usage', `${file}: ${fault.message}`);
    return doc.toJS() as Partial<DynamoCheckpoint> | null;
  });
  const [object, ...more] = objects.filter((o) => o?.kind === CHECKPOINT.kind);
  if (object == null || more.length > 0)
    throw new TerminalError(
      'Usage',
      `${file} has ${more.length === 0 ? 'no' : 'more than one'} ${CHECKPOINT.kind}`,
    );
  const spec: CheckpointSpec = checkCheckpointSpec(object.spec);
  const metadata = {
    ...object.metadata,
    name: name ?? object.metadata?.name ?? '',
    namespace: session.flags.namespace ?? object.metadata?.namespace ?? session.namespace,
  };
  if (metadata.name === '')
    throw new TerminalError('Usage', `${file} names no checkpoint; give it one with --name`);
  return { apiVersion: API_VERSION, kind: CHECKPOINT.kind, metadata, spec };
}
