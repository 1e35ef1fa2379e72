/** Runs nsrestore in the private view of the placeholder's files, with CRIU's images as they are for this clone. */
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Receipt } from '@dynamo-snapshot/api/receipt';
import { parseReceipt } from '@dynamo-snapshot/api/validate';
import type { CriuCall } from '../criu/program';
import type { PodFacts } from '../engine';
import type { EngineIo } from '../engine-io';
import { remainingMs } from '../engine-io';
import type { Gate } from '../gate/gate';
import { behind } from '../gate/gate';
import { command } from '../linux/command';
import { hugeBytesFree } from '../linux/proc';
import type { Pool } from '../memory/pool';
import { nsrestoreArgs } from './args';
import type { Checked } from './check';
import { layOut } from './check';
import { fillers } from './fill';
import { addressesOf, editsOfAdvice, editsOfClone, movedAddresses } from './images';
import { enterPrivateView, RESTORE_ROOT, VERIFIED } from './namespace';
import type { Target } from './placeholder';
import { openStdio } from './stdio';

/** What of the images differs for this pod, and for the node as it is. */
const editsFor = ({ artifact, verified }: Checked, pod: PodFacts | undefined): ReadonlyMap<string, Buffer> =>
  new Map([
    ...editsOfAdvice(verified, artifact.manifest.cuda !== undefined, hugeBytesFree()),
    ...editsOfClone(verified.content, {
      addresses: movedAddresses(
        addressesOf(artifact.manifest.container),
        addressesOf({ podIp: pod?.ip, podIps: pod?.ips }),
      ),
      keepLocal: artifact.manifest.dump.tcp === 'keep-local',
    }),
  ]);

export interface NsrestoreNeeds {
  readonly work: string;
  readonly pod: PodFacts | undefined;
  /** Started meanwhile: nsrestore has one thread. */
  readonly pool: Pool;
  readonly gate: Gate | undefined;
}

/** Throws with the reason that nsrestore gives. */
export async function runNsrestore(
  checked: Checked,
  { placeholder, groups }: Target,
  { env: criuEnv, work, pod, pool, gate }: CriuCall & NsrestoreNeeds,
  io: EngineIo,
): Promise<Receipt> {
  const own = `/proc/${placeholder.pid}`;
  const hasTerminal = checked.artifact.manifest.process.tty !== undefined;
  const fds = [
    openSync(`${own}/ns/net`, 'r'),
    ...[0, 1, 2].map((n) => openStdio(`${own}/fd/${n}`, n, hasTerminal)),
  ];
  const handed = gate === undefined ? fds : [...fds, gate.fd];
  const edits = behind(gate, checked, editsFor(checked, pod));
  const oomScoreAdj = readFileSync(`${own}/oom_score_adj`, 'utf8').trim();
  const leave = enterPrivateView(placeholder.pid);
  orLeave(leave, () => layOut(checked, edits, VERIFIED));
  const argv = nsrestoreArgs({
    nsrestore: io.config.nsrestore,
    placeholder: placeholder.pid,
    joined: [...checked.artifact.manifest.dump.joinedNamespaces],
    artifactDir: VERIFIED,
    digest: checked.artifact.digest,
    images: join(VERIFIED, artifactFile.images),
    root: RESTORE_ROOT,
    work,
    criu: io.config.criu,
    cgroupProcs: groups.dirs.map((dir) => join(dir, 'cgroup.procs')),
    oomScoreAdj,
    deadlineSeconds: Math.ceil(remainingMs(io) / 1000),
    hasGate: gate !== undefined,
  });
  const env = { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', ...criuEnv };
  const afterSpawn = () => {
    leave();
    gate?.serve();
    // Not before: a new thread is where this one is.
    if (fillers(checked, pool, gate) === pool) pool.start();
  };
  const { code, stdout, stderr } = await command(argv, { signal: io.signal, env, fds: handed, afterSpawn });
  for (const fd of fds) closeSync(fd);
  if (code !== 0) throw refusal(code, stderr);
  rmSync(work, { recursive: true, force: true });
  return parseReceipt(stdout);
}

/** What is taken back after a failure has paths of our own namespace. */
function orLeave(leave: () => void, work: () => void): void {
  try {
    work();
  } catch (error) {
    leave();
    throw error;
  }
}

/** nsrestore's last line on stderr tells reason and message. */
function refusal(code: number, stderr: string): Error {
  const last = stderr.trim().split('\n').pop() ?? '';
  try {
    const { reason, message } = JSON.parse(last) as { reason?: string; message?: string };
    return new TerminalError(reason ?? 'RestoreFailed', message ?? last);
  } catch {
    return new TerminalError('RestoreFailed', `nsrestore: exit ${code}: ${last}`);
  }
}
