/** What a container needs of the host's Python, wherever that lies: its folders, and what the environment tells NVIDIA's libraries. */
import { execFileSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';

export interface HostPython {
  readonly executable: string;
  /** Outside of /usr; none lies within another. */
  readonly folders: readonly string[];
}

const TELL = `import json, os, sys
folders = [sys.prefix, sys.base_prefix, os.path.dirname(sys.executable), os.path.dirname(os.path.realpath(sys.executable)), *sys.path]
print(json.dumps({"executable": sys.executable, "folders": folders}))`;

export function hostPython(): HostPython {
  const told = execFileSync('python3', ['-c', TELL], { encoding: 'utf8', timeout: 20_000 });
  const { executable, folders } = JSON.parse(told) as HostPython;
  const there = folders.filter((folder) => folder.startsWith('/') && existsSync(folder));
  const all = there.flatMap((folder) => [folder, realpathSync(folder)]).map(rootFolder);
  return { executable, folders: outermost(all.filter((folder) => !isWithin(folder, '/usr'))) };
}

/** Of which a container has its own: only the part of them that is needed is mounted. */
const OWN = ['bin', 'dev', 'etc', 'lib', 'lib64', 'proc', 'root', 'run', 'sbin', 'sys', 'tmp', 'usr', 'var'];

/** The whole of /opt, say: links in it lead elsewhere in it. */
function rootFolder(path: string): string {
  const [, first = ''] = path.split('/');
  return OWN.includes(first) ? path : `/${first}`;
}

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/** Those of the folders that lie within no other. */
export function outermost(folders: readonly string[]): readonly string[] {
  const all = [...new Set(folders)];
  return all.filter((folder) => !all.some((other) => other !== folder && isWithin(folder, other)));
}

/** A machine of many GPUs says there what NCCL may use. */
const HEEDED = /^(PATH|LD_LIBRARY_PATH|(CUDA|NCCL|NVIDIA|NVSHMEM|OMP|TORCH|TRITON)_\w+)$/;

export const heeded = (env: NodeJS.ProcessEnv): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      HEEDED.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
