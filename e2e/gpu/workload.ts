/** What runs in a pod, and what it is given: the same for one that starts cold and for one that is restored. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

export interface Workload {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly HostMount[];
  readonly devices: readonly HostMount[];
  readonly volumes: readonly Volume[];
  /** Of seccomp: absolute path of a profile on the node; absent = none. */
  readonly seccompProfile?: string;
}

/** Of a file, folder or device node of the host. */
export interface HostMount {
  readonly host: string;
  readonly path: string;
  readonly writable?: true;
}

/** An emptyDir. */
export interface Volume {
  readonly name: string;
  readonly path: string;
  /** Size of one in memory, as tmpfs(5) has it. */
  readonly memory?: string;
}

/** A tmpfs; `size` is as tmpfs(5) has it. */
export function mountMemory(path: string, size: string): void {
  mkdirSync(path, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path], { stdio: 'pipe' });
}

/** Read-only, where it is. */
export const asThere = (host: string): HostMount => ({ host, path: host });
