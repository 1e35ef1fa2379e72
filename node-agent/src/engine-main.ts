/**
 * The engine as a program: `operate DIR` and `undo DIR` work on a journal entry; `capture`, `restore`, `inspect` and `verify` work on
 * a container id and an artifact folder of any containerd host. Results are JSON on stdout, the log is on stderr.
 */
import { randomUUID } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import { humanBytes } from '@dynamo-snapshot/api/quantity';
import { logger } from '@dynamo-snapshot/controller/log';
import { engineConfig } from './config';
import type { Outcome, Request } from './engine';
import type { EngineIo } from './engine-io';
import { Steps } from './engine-io';
import { perform } from './engine-run';
import { JournalEntry } from './journal/entry';
import { takeBack } from './journal/undo';
import { containerId } from './linux/ids';
import { artifactFaults, openArtifact } from './store/directory';

const USAGE = `usage: engine capture --container ID --artifact DIR [--timeout SECONDS]
       engine restore --container ID --artifact DIR [--timeout SECONDS]
       engine inspect DIR | verify DIR
       engine operate JOURNAL-ENTRY | undo JOURNAL-ENTRY`;

const log = logger(process.env['LOG_LEVEL'] ?? 'info', 'engine');
const config = engineConfig(process.env);
const cancel = new AbortController();
process.on('SIGTERM', () => cancel.abort());
const common = { config, log, signal: cancel.signal };

/** Everything is in the entry before the process ends; the agent reads it there. */
async function operate(dir: string): Promise<number> {
  const entry = new JournalEntry(dir);
  const { request, deadline } = entry.operation();
  const steps = new Steps((progress, timings) => tell(() => entry.writeStatus({ progress, timings })));
  const outcome = await perform(request, {
    ...common,
    deadline,
    steps,
    willUndo: (step) => entry.appendUndo(step),
  });
  entry.writeResult(outcome);
  return outcome.ok ? 0 : 1;
}

/** Progress that cannot be written is no reason to end the work. */
function tell(write: () => void): void {
  try {
    write();
  } catch (error) {
    log.warn(explain(error));
  }
}

/** The process that did the operation is dead: the last step first, all of them, whatever fails. */
function undo(dir: string): number {
  const entry = new JournalEntry(dir);
  if (entry.result() !== undefined)
    throw new TerminalError('NothingToUndo', `${dir} has a result; it ended by itself`);
  const failures: string[] = [];
  for (const step of [...entry.undoSteps()].reverse()) {
    try {
      takeBack(step);
    } catch (error) {
      failures.push(`${step.do}: ${explain(error)}`);
    }
  }
  const message = ['the operation ended before it was done, and was taken back', ...failures].join('; ');
  entry.writeResult({ ok: false, reason: 'OperationLost', message });
  return failures.length === 0 ? 0 : 1;
}

async function byHand(request: Request, seconds: number): Promise<number> {
  const steps = new Steps((progress) => log.info(progress.summary));
  const io: EngineIo = { ...common, deadline: Date.now() + seconds * 1000, steps, willUndo: () => {} };
  const outcome: Outcome = await perform(request, io);
  console.log(JSON.stringify(outcome, undefined, 2));
  return outcome.ok ? 0 : 1;
}

async function containerCommand(operation: 'Capture' | 'Restore', args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { container: text, artifact: text, timeout: text },
  });
  if (values.container === undefined || values.artifact === undefined)
    throw new TerminalError('Usage', USAGE);
  const artifactDir = resolve(values.artifact);
  const id = containerId(values.container);
  const seconds = Number(values.timeout ?? 600);
  if (!(seconds >= 1))
    throw new TerminalError('Usage', `--timeout ${values.timeout} is not a number of seconds\n${USAGE}`);
  if (operation === 'Restore') {
    const { manifest, digest } = await openArtifact(artifactDir);
    const { artifact } = manifest;
    return byHand({ operation, artifactDir, artifact, artifactDigest: digest, containerId: id }, seconds);
  }
  const artifact = { namespace: 'default', identityHash: '0'.repeat(16), uid: randomUUID() };
  const stagingDir = `${dirname(artifactDir)}/.staging-${artifact.uid}`;
  return byHand(
    { operation, artifactDir, stagingDir, artifact, containerId: id, afterCapture: 'KeepRunning' },
    seconds,
  );
}

async function inspect(dir: string): Promise<number> {
  const { manifest, digest } = await openArtifact(resolve(dir));
  console.log(JSON.stringify({ digest, size: humanBytes(manifest.sizeBytes), ...manifest }, undefined, 2));
  return 0;
}

async function verify(dir: string): Promise<number> {
  const artifact = await openArtifact(resolve(dir));
  const faults = await artifactFaults(artifact, true);
  console.log(
    JSON.stringify({ digest: artifact.digest, files: artifact.manifest.files.length, faults }, undefined, 2),
  );
  return faults.length === 0 ? 0 : 1;
}

function run([name, ...args]: readonly string[]): Promise<number> | number {
  const [dir] = args;
  if (name === 'capture') return containerCommand('Capture', args);
  if (name === 'restore') return containerCommand('Restore', args);
  if (dir === undefined) throw new TerminalError('Usage', USAGE);
  if (name === 'operate') return operate(dir);
  if (name === 'undo') return undo(dir);
  if (name === 'inspect') return inspect(dir);
  if (name === 'verify') return verify(dir);
  throw new TerminalError('Usage', USAGE);
}

async function main(): Promise<void> {
  try {
    process.exitCode = await run(process.argv.slice(2));
  } catch (error) {
    console.error(explain(error));
    process.exitCode = error instanceof TerminalError && error.reason === 'Usage' ? 2 : 1;
  }
}

void main();
