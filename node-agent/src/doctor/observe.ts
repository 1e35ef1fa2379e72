/** Looks at the node for `engine doctor`. Nothing is changed, and nothing that fails here ends the rest. */
import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { release } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { SECCOMP_PROFILE } from '@dynamo-snapshot/api/control';
import type { NodeReport } from '@dynamo-snapshot/api/doctor';
import { explain } from '@dynamo-snapshot/api/errors';
import { UID } from '@dynamo-snapshot/api/layout';
import type { DoctorPlaces } from '../config';
import { entryFile, JournalEntry } from '../journal/entry';
import { isUnreadable } from '../journal/journal';
import { command } from '../linux/command';
import { parseMountinfo } from '../linux/mountinfo';
import { isAlive } from '../linux/proc';
import { artifactsIn } from './artifacts';
import type { DiskFacts, JournalFacts, NodeFacts } from './decide';
import { decide, NEEDED_FEATURES } from './decide';

const PROGRAM_MS = 20_000;
const SOCKET_MS = 5000;

/** Of the agent's configuration; the rest of it does not matter here. */
type Places = Pick<
  DoctorPlaces,
  'criu' | 'criSocket' | 'store' | 'journal' | 'nodeName' | 'seccomp' | 'kernelConfig'
>;

export async function nodeReport(places: Places, now: () => number): Promise<NodeReport> {
  const facts = await observe(places, now);
  return { nodeName: places.nodeName, checks: decide(facts), ...artifactsIn(places.store), now: now() };
}

export async function observe(places: Places, now: () => number): Promise<NodeFacts> {
  const socket = places.criSocket.replace(/^unix:\/\//, '');
  const [socketFault, criu] = await Promise.all([knock(socket), criuFaults(places.criu)]);
  const profile = SECCOMP_PROFILE;
  return {
    socket,
    socketFault,
    runtime: 'containerd',
    criu,
    kernel: { release: release(), options: kernelOptions(places.kernelConfig) },
    mounts: parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8')),
    seccomp: { folder: places.seccomp, profile, exists: existsSync(join(places.seccomp, profile)) },
    disks: [places.store, places.journal].filter((path) => existsSync(path)).map(disk),
    journal: journal(places.journal, now()),
  };
}

/** Undefined where somebody listens. */
function knock(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ path });
    const end = (why?: string) => {
      socket.destroy();
      resolve(why);
    };
    socket.setTimeout(SOCKET_MS, () => end(`no answer within ${SOCKET_MS / 1000} s`));
    socket.once('connect', () => end());
    socket.once('error', (error: NodeJS.ErrnoException) =>
      end(error.code === 'ENOENT' ? 'there is no such socket' : error.message),
    );
  });
}

async function criuFaults(criu: string): Promise<NodeFacts['criu']> {
  const ask = (...args: readonly string[]) =>
    command([criu, ...args], { deadlineMs: PROGRAM_MS }).catch((error: unknown) => ({
      code: 1,
      stdout: '',
      stderr: explain(error),
    }));
  const { stdout, stderr } = await ask('--version');
  const version = /Version: (\S+)/.exec(stdout)?.[1];
  if (version === undefined)
    return { version, faults: [`${criu} cannot be run: ${lastLine(stderr || stdout)}`] };
  const faults: string[] = [];
  const all = await ask('check');
  if (all.code !== 0) faults.push(`criu check: ${lastLine(all.stderr || all.stdout)}`);
  for (const feature of NEEDED_FEATURES) {
    const { code, stderr: said } = await ask('check', '--feature', feature);
    if (code !== 0) faults.push(`CRIU ${version} lacks the feature ${feature}: ${lastLine(said)}`);
  }
  return { version, faults };
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.trim() ?? '';

/** Built in or as a module. */
function kernelOptions(file: string): ReadonlySet<string> | undefined {
  if (!existsSync(file)) return undefined;
  const bytes = readFileSync(file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  return new Set([...text.matchAll(/^CONFIG_(\w+)=[ym]$/gm)].map(([, name = '']) => name));
}

function disk(path: string): DiskFacts {
  const { bavail, blocks, bsize } = statfsSync(path);
  return { path, freeBytes: bavail * bsize, totalBytes: blocks * bsize, writable: mayWrite(path) };
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function journal(dir: string, now: number): readonly JournalFacts[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .filter((name) => UID.test(name) || isUnreadable(name))
    .map((uid) => journalFacts(join(dir, uid), uid, now));
}

function journalFacts(dir: string, uid: string, now: number): JournalFacts {
  const entry = new JournalEntry(dir);
  const written = Object.values(entryFile).map(
    (file) => statSync(join(dir, file), { throwIfNoEntry: false })?.mtimeMs ?? 0,
  );
  const ageSeconds = (now - Math.max(statSync(dir).mtimeMs, ...written)) / 1000;
  const process = entry.process();
  const { namespace, name } = entry.asked()?.assignment ?? {};
  const unreadable = name === undefined && (entry.exists || isUnreadable(uid));
  return {
    uid,
    assignment: name === undefined ? 'an entry that cannot be read' : `${namespace}/${name}`,
    alive: process !== undefined && isAlive(process),
    hasResult: entry.result() !== undefined,
    ...(unreadable ? { unreadable } : {}),
    ageSeconds,
  };
}
