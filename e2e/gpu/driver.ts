/** What of the host a container of the worker is given: its programs and libraries, read-only, and the driver's device nodes. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { HostMount } from './workload';
import { asThere } from './workload';

export interface HostParts {
  /** Files and folders that are mounted where they are. */
  readonly mounts: readonly string[];
  readonly devices: readonly HostMount[];
  readonly env: Readonly<Record<string, string>>;
}

/** The image has links for /lib and the like, as a merged /usr has (file-hierarchy(7)). */
const USR = '/usr';
const LOADER_CACHE = '/etc/ld.so.cache';
/** Links of /usr/bin lead there. */
const ALTERNATIVES = '/etc/alternatives';

export function hostParts(gpu: boolean): HostParts {
  const path = process.env['LD_LIBRARY_PATH'];
  const folders = [...(path ?? '').split(':'), ...(gpu ? libcudaFolders() : [])].filter(existsSync);
  return {
    mounts: [USR, LOADER_CACHE, ALTERNATIVES, ...new Set(folders.filter(isOutsideOfUsr))].filter(existsSync),
    devices: gpu ? deviceNodes().map(asThere) : [],
    env: path === undefined ? {} : { LD_LIBRARY_PATH: path },
  };
}

const isOutsideOfUsr = (folder: string): boolean => !`${realpathSync(folder)}/`.startsWith(`${USR}/`);

function libcudaFolders(): readonly string[] {
  const cache = execFileSync('ldconfig', ['-p'], { encoding: 'utf8' });
  return [...cache.matchAll(/libcuda\.so\.1 .*=> (\/\S+)/g)].map(([, file = '']) => dirname(file));
}

/** /dev/nvidia0, nvidiactl, nvidia-uvm and what else there is, as NVIDIA's container toolkit gives them. */
function deviceNodes(): readonly string[] {
  const inDev = readdirSync('/dev')
    .filter((name) => name.startsWith('nvidia'))
    .map((name) => join('/dev', name));
  const caps = inDev
    .filter((path) => statSync(path).isDirectory())
    .flatMap((dir) => readdirSync(dir).map((name) => join(dir, name)));
  return [...inDev, ...caps].filter((path) => statSync(path).isCharacterDevice());
}
