/** What runs in a pod, and what it is given: the same for one that starts cold and for one that is restored. */
export interface Workload {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly HostMount[];
  readonly devices: readonly string[];
  readonly volumes: readonly Volume[];
  /** Of seccomp: absolute path of a profile on the node; absent = none. */
  readonly seccompProfile?: string;
}

/** Of a file or folder of the host. */
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

/** Read-only, where it is. */
export const asThere = (host: string): HostMount => ({ host, path: host });
