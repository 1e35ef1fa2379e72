/**
 * nsrestore: restores one artifact into the namespaces in which it was started. One JSON line on stdout is the receipt; stderr is
 * the log, and its last line tells reason and message of a failure. Exit 0 restored, 3 refused or failed for a known reason, 1 else.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { during, explain, reasonOf, TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import type { Receipt } from '@dynamo-snapshot/api/receipt';
import type { Timing } from '@dynamo-snapshot/api/schema';
import { restoreTree } from './criu';
import type { Job } from './job';
import { jobOf } from './job';
import { applyFiles } from './rootfs';
import { xattrSetter } from './xattr';

async function run(job: Job): Promise<Receipt> {
  const steps: Timing[] = [];
  const timed = async <T>(step: string, work: () => Promise<T> | T): Promise<T> => {
    const from = performance.now();
    const result = await during(step, work);
    steps.push({ step, seconds: Math.round((performance.now() - from) * 10) / 1e4 });
    return result;
  };
  const manifest = await timed('manifest', () => readManifest(job));
  // Ours alone: the mount namespace is private, and /proc must be that of the pid namespace that we are in.
  await timed('proc', () => execFileSync('mount', ['-t', 'proc', 'proc', '/proc']));
  const home = dirname(job.criu).replace(/\/criu$/, '');
  const files = await timed('files', () => applyFiles(job.artifact, job.root, manifest, xattrSetter(home)));
  const restoredPid = await timed('criu', () => restoreTree(job, manifest));
  return {
    artifactDigest: job.digest,
    restoredPid,
    bytes: manifest.sizeBytes,
    filesWritten: files.written,
    filesDeleted: files.deleted,
    steps: steps.map((step) => ({ ...step })),
  };
}

/** The agent has validated the manifest; its digest proves that this is the same one. */
function readManifest(job: Job): Manifest {
  const text = readFileSync(join(job.artifact, artifactFile.manifest), 'utf8');
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  if (digest !== job.digest)
    throw new TerminalError('ArtifactMismatch', `the manifest has digest ${digest}, not ${job.digest}`);
  return JSON.parse(text) as Manifest;
}

async function main(): Promise<void> {
  try {
    const receipt = await run(jobOf(process.argv.slice(2)));
    process.stdout.write(`${JSON.stringify(receipt)}\n`);
  } catch (error) {
    const failure = { level: 'error', reason: reasonOf(error, 'RestoreFailed'), message: explain(error) };
    process.stderr.write(`${JSON.stringify(failure)}\n`);
    process.exitCode = error instanceof TerminalError ? 3 : 1;
  }
}

void main();
