/** A containerd of our own at its standard paths, which are ours alone in the mount namespace of run.sh, and in cgroups of our own. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { copyFile, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createCgroups,
  hierarchies,
  joinDaemons,
  killGroup,
  memberCgroup,
  processesIn,
  removeCgroups,
  thaw,
} from '../cluster/cgroups';
import { writeArchive } from '../cluster/layout';
import { containerdConfig, PAUSE_IMAGE } from '../cluster/node';
import { poll } from '../cluster/poll';
import { stopProcess } from '../cluster/process';
import { run, startDaemon } from '../cluster/run';
import { ContainerRuntime } from './cri';
import type { Place } from './place';
import { programOf } from './place';

export const SOCKET = 'unix:///run/containerd/containerd.sock';
export const WORKER_IMAGE = 'dynamo-snapshot.invalid/worker:1';
/** Sandboxes wait in it: a standby without orders does nothing else. */
const STANDBY_IMAGE = PAUSE_IMAGE;

const GROUP = memberCgroup('e2e-gpu', 'node-a');
/** Beside containerd's own group, for version 2 wants no processes in a group with children. */
export const PODS_CGROUP = `/${GROUP}/pods`;

const NETWORK = 'alone';

const GRACE_MS = 10_000;
const LEAVES = { limitMs: 5000, everyMs: 50 };
const GONE = { limitMs: 20_000, everyMs: 50 };

export interface Node {
  readonly runtime: ContainerRuntime;
  readonly stop: () => Promise<void>;
}

export async function startNode(place: Place): Promise<Node> {
  const config = join(place.work, 'containerd.toml');
  writeFileSync(config, containerdConfig(networkOf(place)));
  const env = { PATH: `${programOf(place, 'bin')}:${process.env['PATH']}`, HOME: '/root' };
  await createCgroups(await hierarchies(), GROUP);
  const log = join(place.out, 'containerd.log');
  const daemon = await startDaemon([programOf(place, 'bin/containerd'), '--config', config], log, env);
  await joinDaemons(await hierarchies(), GROUP, daemon.pid);
  const runtime = new ContainerRuntime(SOCKET);
  const stop = async () => {
    try {
      await runtime.removeSandboxes();
    } finally {
      runtime.close();
      await stopProcess(daemon, GRACE_MS);
    }
  };
  try {
    await runtime.waitUntilReady();
    await loadImages(place, runtime);
    return { runtime, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Our own plugin, which is the loopback's too. */
function networkOf(place: Place): { readonly programs: string; readonly config: string } {
  const [programs, config] = [join(place.work, 'cni/bin'), join(place.work, 'cni/net.d')];
  for (const dir of [programs, config]) mkdirSync(dir, { recursive: true });
  for (const name of ['loopback', NETWORK]) symlinkSync(programOf(place, 'cni.sh'), join(programs, name));
  const list = { cniVersion: '0.4.0', name: NETWORK, plugins: [{ type: NETWORK }] };
  writeFileSync(join(config, '10-alone.conflist'), JSON.stringify(list));
  return { programs, config };
}

/** Takes away what is ours by our own cgroups; says how many processes had not ended by themselves. */
export async function cleanUp(): Promise<number> {
  const all = await hierarchies();
  const empty = async () => (await processesIn(all, GROUP)).length === 0;
  // A shim ends after its last container.
  await poll(empty, LEAVES);
  const left = await processesIn(all, GROUP);
  await thaw(all, GROUP);
  await killGroup(all, GROUP);
  if (!(await poll(empty, GONE))) throw new Error(`processes in cgroup ${GROUP} do not end`);
  await removeCgroups(all, GROUP);
  return left.length;
}

/** Made on the spot: of one program each. */
async function loadImages(place: Place, runtime: ContainerRuntime): Promise<void> {
  await loadImage(place, runtime, { name: STANDBY_IMAGE, program: 'standby', as: 'standby', links: [] });
  // Its libraries are the host's, at the places of a merged /usr (file-hierarchy(7)).
  const links = ['bin', 'sbin', 'lib', 'lib64'];
  await loadImage(place, runtime, { name: WORKER_IMAGE, program: 'worker', as: 'worker', links });
}

/** What libraries look up. */
const ETC = {
  passwd: 'root:x:0:0:root:/root:/bin/sh',
  group: 'root:x:0:',
  'nsswitch.conf': 'hosts: files',
} as const;

interface ProgramImage {
  readonly name: string;
  readonly program: string;
  /** Below the image's root. */
  readonly as: string;
  /** Into /usr. */
  readonly links: readonly string[];
}

async function loadImage(
  place: Place,
  runtime: ContainerRuntime,
  { name, program, as, links }: ProgramImage,
): Promise<void> {
  const root = await mkdtemp(join(place.work, 'image-'));
  await copyFile(programOf(place, program), join(root, as));
  for (const folder of ['usr', 'etc', 'root', 'tmp', 'var']) mkdirSync(join(root, folder));
  for (const [file, line] of Object.entries(ETC)) writeFileSync(join(root, 'etc', file), `${line}\n`);
  for (const link of links) symlinkSync(join('usr', link), join(root, link));
  const archive = join(place.work, 'images', `${as}.tar`);
  await writeArchive({ name, entrypoint: [`/${as}`], root }, archive);
  await run({ argv: [programOf(place, 'bin/ctr'), '--namespace', 'k8s.io', 'images', 'import', archive] });
  await runtime.waitForImage(name);
  rmSync(root, { recursive: true });
}
