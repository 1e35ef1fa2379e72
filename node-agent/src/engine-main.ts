/**
 * The engine as a program: `operate DIR` and `recover DIR` work on a journal entry, `ready` on one that it is told later; `capture`, `restore`, `inspect` and `verify` work on
 * a container id and an artifact folder of any containerd host. Results are JSON on stdout, the log is on stderr.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import type { Progress } from '@dynamo-snapshot/api/progress';
import { humanBytes } from '@dynamo-snapshot/api/quantity';
import type { Timing } from '@dynamo-snapshot/api/schema';
import { logger } from '@dynamo-snapshot/controller/log';
import { doctorPlaces, engineConfig } from './config';
import { cudaHelper } from './cuda/helper';
import { nodeReport } from './doctor/observe';
import type { Outcome, Request } from './engine';
import type { EngineIo } from './engine-io';
import { Steps } from './engine-io';
import { perform } from './engine-run';
import { stopAtMark, stopSignal } from './engine-stop';
import { entryFile, JournalEntry } from './journal/entry';
import { recover } from './journal/recover';
import type { UndoStep } from './journal/step';
import { wordsOf } from './journal/step';
import { containerId } from './linux/ids';
import { processRef } from './linux/proc';
import { dup2, exitNow } from './linux/syscalls';
import { threadsFor } from './memory/decide';
import { withPool } from './memory/pool';
import { openArtifact } from './store/directory';
import { keyOf, readKeys } from './store/keys';
import { verifyFiles, verifyShards } from './store/verify';

const USAGE = `usage: engine capture --container ID --artifact DIR [--timeout SECONDS]
       engine restore --container ID --artifact DIR [--timeout SECONDS]
       engine inspect DIR | verify DIR | doctor
       engine operate JOURNAL-ENTRY | recover JOURNAL-ENTRY | ready`;

const log = logger(process.env['LOG_LEVEL'] ?? 'info', 'engine');
const config = engineConfig(process.env);

/** Everything is in the entry before the process ends; the agent reads it there. */
async function operate(dir: string): Promise<number> {
  const entry = new JournalEntry(dir);
  const { request, deadline } = entry.operation();
  const self = processRef(process.pid);
  if (entry.result() !== undefined || self === undefined)
    throw new TerminalError('NothingToDo', `${dir} has a result already`);
  // The agent writes it too; it may have died before it could.
  entry.writeProcess(self);
  const stop = stopSignal(deadline);
  stopAtMark(entry, stop);
  const { signal } = stop;
  const report = (progress: Progress, timings: readonly Timing[]) =>
    tell(() => entry.writeStatus({ progress, timings }));
  const willUndo = (step: UndoStep) => entry.appendUndo(step);
  const steps = new Steps(report, signal);
  const outcome = await perform(request, { config, log, signal, deadline, steps, willUndo });
  entry.writeResult(outcome);
  return outcome.ok ? 0 : 1;
}

/**
 * Started before there is an entry to work on; it comes on stdin as a line. Without one nobody wants us any more. What we say goes where the
 * operation's own words go, for we shall outlive whoever has started us.
 */
async function operateWhenTold(): Promise<number> {
  process.stdin.setEncoding('utf8');
  let text = '';
  for await (const part of process.stdin) text += String(part);
  if (!text.endsWith('\n')) return 0;
  const dir = text.trim();
  const output = openSync(join(dir, entryFile.output), 'a', 0o600);
  for (const fd of [1, 2]) dup2(output, fd);
  closeSync(output);
  return operate(dir);
}

/** Progress that cannot be written is no reason to end the work. */
function tell(write: () => void): void {
  try {
    write();
  } catch (error) {
    log.warn(explain(error));
  }
}

/** The process that did the operation is dead. */
async function recoverEntry(dir: string): Promise<number> {
  const threads = threadsFor(config.threads, availableParallelism());
  const outcome = await recover(new JournalEntry(dir), config.cgroupRoot, readKeys(config), threads);
  if (outcome.ok || outcome.left === undefined) return 0;
  throw new Error(outcome.left.map(wordsOf).join('; '));
}

async function byHand(request: Request, seconds: number): Promise<number> {
  const deadline = Date.now() + seconds * 1000;
  const { signal } = stopSignal(deadline);
  const steps = new Steps((progress) => log.info(progress.summary), signal);
  const io: EngineIo = { config, log, signal, deadline, steps, willUndo: () => {} };
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
  const keys = readKeys(config);
  const artifact = await openArtifact(resolve(dir), undefined, keys);
  const key = keyOf(artifact.manifest, keys);
  const faults = await withPool(threadsFor(config.threads, availableParallelism()), async (pool) => {
    const { faults: ofFiles, index } = await verifyFiles(artifact, key, pool);
    return index === undefined ? ofFiles : [...ofFiles, ...(await verifyShards(artifact, index, key, pool))];
  });
  console.log(
    JSON.stringify({ digest: artifact.digest, files: artifact.manifest.files.length, faults }, undefined, 2),
  );
  return faults.length === 0 ? 0 : 1;
}

/** What an agent's pod is asked by `kubectl snapshot doctor`. */
async function doctor(): Promise<number> {
  console.log(JSON.stringify(await nodeReport(doctorPlaces(process.env), () => Date.now())));
  return 0;
}

function run([name, ...args]: readonly string[]): Promise<number> | number {
  const [dir] = args;
  if (name === 'capture') return containerCommand('Capture', args);
  if (name === 'restore') return containerCommand('Restore', args);
  // What the engine starts itself as, to load the driver there.
  if (name === 'cuda') return cudaHelper(config.gpu);
  if (name === 'doctor') return doctor();
  if (name === 'ready') return operateWhenTold();
  if (dir === undefined) throw new TerminalError('Usage', USAGE);
  if (name === 'operate') return operate(dir);
  if (name === 'recover') return recoverEntry(dir);
  if (name === 'inspect') return inspect(dir);
  if (name === 'verify') return verify(dir);
  throw new TerminalError('Usage', USAGE);
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  let code: number;
  try {
    code = await run(args);
  } catch (error) {
    console.error(explain(error));
    code = error instanceof TerminalError && error.reason === 'Usage' ? 2 : 1;
  }
  // The driver has a clean end, and nothing there waits for a store.
  if (args[0] === 'cuda') process.exit(code);
  // What Node does at an ordinary end (NODE_COMPILE_CACHE).
  flushCompileCache();
  // Work that was given up may still be going on, or hang on a store: Node would wait for its thread.
  exitNow(code);
}

void main();
