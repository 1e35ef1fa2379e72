/** Pods as the kubelet would start them: a workload, and the placeholder that the webhook would make of its pod. */
import { randomUUID } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import {
  CONTROL_DIR,
  CONTROL_VOLUME,
  DEFAULT_CONTAINER,
  STANDBY_DIR,
  STANDBY_PATH,
  STANDBY_PROGRAM_VOLUME,
  STANDBY_VOLUME,
} from '@dynamo-snapshot/api/control';
import { standbyCommand } from '@dynamo-snapshot/api/standby';
import type { PodFacts } from '@dynamo-snapshot/node-agent/engine';
import { Cri } from '@dynamo-snapshot/node-agent/runtime/cri';
import type { ContainerRuntime } from './cri';
import { mode, seccomp } from './cri';
import { PODS_CGROUP, SOCKET, WORKER_IMAGE } from './node';
import type { Place } from './place';
import { programOf } from './place';
import type { Volume, Workload } from './workload';
import { mountMemory } from './workload';

const UNCLAIMED_SECONDS = 600;
const NAMESPACE = 'default';

export interface Pod {
  /** Of its container. */
  readonly id: string;
  readonly address: string;
  /** As an agent would tell them to the engine. */
  readonly facts: PodFacts;
  /** What the container has said. */
  readonly log: string;
  /** A volume, as the host sees it. */
  readonly folder: (volume: string) => string;
}

export interface PodOrder {
  readonly name: string;
  readonly place: Place;
  readonly workload: Workload;
  readonly runtime: ContainerRuntime;
}

export const startPod = async (order: PodOrder): Promise<Pod> =>
  (await KubeletPod.run(order)).start(order.workload.command, [CONTROL]);

export async function startPlaceholder(order: PodOrder): Promise<Pod> {
  const pod = await KubeletPod.run(order);
  const { command } = order.workload;
  const orders = { unclaimedSeconds: UNCLAIMED_SECONDS, otherwise: 'Fail', command } as const;
  const standby = { name: STANDBY_VOLUME, path: STANDBY_DIR };
  return pod.start(standbyCommand(orders), [CONTROL, standby], [pod.mountProgram()]);
}

const CONTROL: Volume = { name: CONTROL_VOLUME, path: CONTROL_DIR };

/** Of CRI. */
interface Mount {
  readonly container_path: string;
  readonly host_path: string;
  readonly readonly?: boolean;
}

/** A pod with its sandbox and its volumes. */
class KubeletPod {
  readonly #order: PodOrder;
  readonly #uid: string;
  readonly #address: string;
  readonly #sandbox: Sandbox;

  private constructor(order: PodOrder, uid: string, address: string, sandbox: Sandbox) {
    this.#order = order;
    this.#uid = uid;
    this.#address = address;
    this.#sandbox = sandbox;
  }

  static async run(order: PodOrder): Promise<KubeletPod> {
    const uid = randomUUID();
    const config = sandboxConfig(order, uid);
    const id = await order.runtime.runSandbox(config);
    const cri = new Cri(SOCKET);
    const [address] = await cri.podIps(id).finally(() => cri.close());
    if (address === undefined) throw new Error(`pod ${order.name} has no address`);
    return new KubeletPod(order, uid, address, { id, config });
  }

  /** A file of a ConfigMap, where the kubelet mounts it for a subPath. */
  mountProgram(): Mount {
    const file = join(this.#dir, 'volume-subpaths', STANDBY_PROGRAM_VOLUME, 'main/0');
    mkdirSync(dirname(file), { recursive: true });
    copyFileSync(programOf(this.#order.place, 'standby'), file);
    chmodSync(file, 0o555);
    return { container_path: STANDBY_PATH, host_path: file, readonly: true };
  }

  async start(
    command: readonly string[],
    ours: readonly Volume[],
    programs: readonly Mount[] = [],
  ): Promise<Pod> {
    const { mounts, devices, env, volumes, seccompProfile } = this.#order.workload;
    const own = [...volumes, ...ours];
    const id = await this.#run(
      {
        image: { image: WORKER_IMAGE },
        command,
        working_dir: '/root',
        envs: Object.entries(env).map(([key, value]) => ({ key, value })),
        mounts: [
          ...mounts.map(({ host, path, writable }) => ({
            container_path: path,
            host_path: host,
            readonly: writable !== true,
          })),
          this.#hosts(),
          ...own.map((volume) => ({ container_path: volume.path, host_path: this.#volume(volume) })),
          ...programs,
        ],
        devices: devices.map(({ host, path }) => ({
          container_path: path,
          host_path: host,
          permissions: 'rwm',
        })),
      },
      seccompProfile,
    );
    const folder = (volume: string) => this.#folderOf(volume);
    return { id, address: this.#address, facts: this.#facts(own), log: this.#log, folder };
  }

  #run(config: object, seccompProfile: string | undefined): Promise<string> {
    return this.#order.runtime.start(this.#sandbox, {
      ...config,
      metadata: { name: DEFAULT_CONTAINER },
      labels: this.#sandbox.config.labels,
      log_path: this.#logName,
      linux: {
        security_context: {
          namespace_options: NAMESPACES,
          ...(seccompProfile === undefined ? {} : { seccomp: seccomp(seccompProfile) }),
        },
      },
    });
  }

  #facts(volumes: readonly Volume[]): PodFacts {
    const { name } = this.#order;
    return {
      ...{ namespace: NAMESPACE, name, uid: this.#uid, hostname: name, nodeName: hostname() },
      ip: this.#address,
      ips: [this.#address],
      containerName: DEFAULT_CONTAINER,
      volumes: volumes.map((volume) => ({
        name: volume.name,
        mountPath: volume.path,
        kind: volume === CONTROL || volume.name === STANDBY_VOLUME ? 'control' : kindOf(volume),
      })),
    };
  }

  /** As the kubelet writes it: the pod finds its own name. */
  #hosts(): Mount {
    const file = join(this.#dir, 'etc-hosts');
    mkdirSync(this.#dir, { recursive: true });
    writeFileSync(file, `127.0.0.1\tlocalhost\n${this.#address}\t${this.#order.name}\n`);
    return { container_path: '/etc/hosts', host_path: file };
  }

  get #dir(): string {
    return join(this.#order.place.work, 'kubelet/pods', this.#uid);
  }

  get #logName(): string {
    return `${this.#order.name}.txt`;
  }

  get #log(): string {
    return join(this.#sandbox.config.log_directory, this.#logName);
  }

  #folderOf(volume: string): string {
    return join(this.#dir, 'volumes/kubernetes.io~empty-dir', volume);
  }

  /** Open to everybody, as the kubelet makes an emptyDir. */
  #volume({ name, memory }: Volume): string {
    const path = this.#folderOf(name);
    if (memory === undefined) mkdirSync(path, { recursive: true });
    else mountMemory(path, memory);
    chmodSync(path, 0o777);
    return path;
  }
}

/** As the agent sees them. */
const kindOf = ({ path }: Volume) => (path === '/dev/shm' ? 'other' : 'emptyDir');

interface Sandbox {
  readonly id: string;
  readonly config: ReturnType<typeof sandboxConfig>;
}

/** As those of a pod that asks for nothing. */
const NAMESPACES = { network: mode.pod, pid: mode.container, ipc: mode.pod } as const;

const sandboxConfig = ({ name, place }: PodOrder, uid: string) => ({
  metadata: { name, uid, namespace: NAMESPACE },
  hostname: name,
  log_directory: join(place.out, 'containers'),
  // Without it containerd copies the host's file, which need not be there.
  dns_config: { options: ['ndots:5'] },
  labels: {
    'io.kubernetes.pod.name': name,
    'io.kubernetes.pod.namespace': NAMESPACE,
    'io.kubernetes.pod.uid': uid,
  },
  linux: { cgroup_parent: PODS_CGROUP, security_context: { namespace_options: NAMESPACES } },
});
