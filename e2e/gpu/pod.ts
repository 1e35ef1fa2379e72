/** Pods as the kubelet would start them: the worker, and the placeholder that the webhook would make of its pod. */
import { randomUUID } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  CONTROL_DIR,
  CONTROL_VOLUME,
  STANDBY_DIR,
  STANDBY_PATH,
  STANDBY_PROGRAM_VOLUME,
  STANDBY_VOLUME,
} from '@dynamo-snapshot/api/control';
import { standbyCommand } from '@dynamo-snapshot/api/standby';
import type { ContainerRuntime } from './cri';
import { mode } from './cri';
import type { HostParts } from './driver';
import { PODS_CGROUP, WORKER_IMAGE } from './node';
import type { Place } from './place';
import { programOf } from './place';

const DATA_VOLUME = 'data';
const DATA_DIR = '/data';
const ROUNDS = `${DATA_DIR}/rounds`;
const UNCLAIMED_SECONDS = 600;

export interface Pod {
  /** Of its container. */
  readonly id: string;
  /** What the worker writes after each round, as the host sees it. */
  readonly file: string;
  /** Its control volume. */
  readonly control: string;
}

export interface PodOrder {
  readonly name: string;
  readonly place: Place;
  readonly parts: HostParts;
  readonly runtime: ContainerRuntime;
}

const workerCommand = ({ gibibytes }: Place): readonly string[] => ['/worker', String(gibibytes), ROUNDS];

export const startWorker = async (order: PodOrder): Promise<Pod> =>
  (await KubeletPod.run(order)).start(workerCommand(order.place));

export async function startPlaceholder(order: PodOrder): Promise<Pod> {
  const pod = await KubeletPod.run(order);
  const command = workerCommand(order.place);
  const orders = { unclaimedSeconds: UNCLAIMED_SECONDS, otherwise: 'Fail', command } as const;
  return pod.start(standbyCommand(orders), [
    pod.mount({ volume: STANDBY_VOLUME, path: STANDBY_DIR }),
    pod.mountProgram(),
  ]);
}

interface VolumeMount {
  readonly volume: string;
  readonly path: string;
}

/** Of CRI. */
interface Mount {
  readonly container_path: string;
  readonly host_path: string;
  readonly readonly?: boolean;
}

/** A pod with its sandbox and its volumes. */
class KubeletPod {
  readonly #order: PodOrder;
  readonly #dir: string;
  readonly #sandbox: Sandbox;

  private constructor(order: PodOrder, dir: string, sandbox: Sandbox) {
    this.#order = order;
    this.#dir = dir;
    this.#sandbox = sandbox;
  }

  static async run(order: PodOrder): Promise<KubeletPod> {
    const uid = randomUUID();
    const config = sandboxConfig(order, uid);
    const id = await order.runtime.runSandbox(config);
    return new KubeletPod(order, join(order.place.work, 'kubelet/pods', uid), { id, config });
  }

  /** A file of a ConfigMap, where the kubelet mounts it for a subPath. */
  mountProgram(): Mount {
    const file = join(this.#dir, 'volume-subpaths', STANDBY_PROGRAM_VOLUME, 'main/0');
    mkdirSync(dirname(file), { recursive: true });
    copyFileSync(programOf(this.#order.place, 'standby'), file);
    chmodSync(file, 0o555);
    return { container_path: STANDBY_PATH, host_path: file, readonly: true };
  }

  async start(command: readonly string[], more: readonly Mount[] = []): Promise<Pod> {
    const { mounts, devices, env } = this.#order.parts;
    const volumes = [
      { volume: DATA_VOLUME, path: DATA_DIR },
      { volume: CONTROL_VOLUME, path: CONTROL_DIR },
    ];
    const same = (path: string) => ({ container_path: path, host_path: path });
    const id = await this.#run('main', {
      image: { image: WORKER_IMAGE },
      command,
      envs: Object.entries(env).map(([key, value]) => ({ key, value })),
      mounts: [
        ...mounts.map((path) => ({ ...same(path), readonly: true })),
        ...volumes.map((volume) => this.mount(volume)),
        ...more,
      ],
      devices: devices.map((path) => ({ ...same(path), permissions: 'rwm' })),
    });
    const file = join(this.#volume(DATA_VOLUME), basename(ROUNDS));
    return { id, file, control: this.#volume(CONTROL_VOLUME) };
  }

  #run(container: string, config: object): Promise<string> {
    const { name, runtime } = this.#order;
    return runtime.start(this.#sandbox, {
      ...config,
      metadata: { name: container },
      labels: this.#sandbox.config.labels,
      log_path: `${name}-${container}.txt`,
      linux: { security_context: { namespace_options: NAMESPACES } },
    });
  }

  mount({ volume, path }: VolumeMount): Mount {
    return { container_path: path, host_path: this.#volume(volume) };
  }

  /** Where the kubelet keeps an emptyDir; open to everybody, as it makes them. */
  #volume(name: string): string {
    const path = join(this.#dir, 'volumes/kubernetes.io~empty-dir', name);
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o777);
    return path;
  }
}

interface Sandbox {
  readonly id: string;
  readonly config: ReturnType<typeof sandboxConfig>;
}

/** As those of a pod that asks for nothing. */
const NAMESPACES = { network: mode.pod, pid: mode.container, ipc: mode.pod } as const;

const sandboxConfig = ({ name, place }: PodOrder, uid: string) => ({
  metadata: { name, uid, namespace: 'default' },
  log_directory: join(place.out, 'containers'),
  // Without it containerd copies the host's file, which need not be there.
  dns_config: { options: ['ndots:5'] },
  labels: {
    'io.kubernetes.pod.name': name,
    'io.kubernetes.pod.namespace': 'default',
    'io.kubernetes.pod.uid': uid,
  },
  linux: { cgroup_parent: PODS_CGROUP, security_context: { namespace_options: NAMESPACES } },
});
