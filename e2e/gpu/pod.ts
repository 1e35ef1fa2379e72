/** Pods as the kubelet would start them: the worker, and the placeholder that the webhook would make of its pod. */
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CONTROL_DIR, CONTROL_VOLUME, STANDBY_DIR, STANDBY_VOLUME } from '@dynamo-snapshot/api/control';
import { standbyCommand } from '@dynamo-snapshot/api/standby';
import type { ContainerRuntime } from './cri';
import { mode } from './cri';
import type { HostParts } from './driver';
import { PODS_CGROUP, STANDBY_IMAGE, WORKER_IMAGE } from './node';
import type { Place } from './place';

const DATA_DIR = '/data';
const UNCLAIMED_SECONDS = 600;
/** The webhook's installer runs as this user (operator/src/webhook/shape.ts). */
const INSTALLER_USER = 65532;

export interface Pod {
  readonly sandbox: string;
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

const workerCommand = ({ gibibytes }: Place): readonly string[] => [
  '/worker',
  String(gibibytes),
  `${DATA_DIR}/rounds`,
];

export async function startWorker(order: PodOrder): Promise<Pod> {
  const pod = await podOf(order);
  return pod.start(workerCommand(order.place), []);
}

export async function startPlaceholder(order: PodOrder): Promise<Pod> {
  const pod = await podOf(order);
  await pod.installStandby();
  const command = workerCommand(order.place);
  const orders = { unclaimedSeconds: UNCLAIMED_SECONDS, otherwise: 'Fail', command } as const;
  return pod.start(standbyCommand(orders), [{ volume: STANDBY_VOLUME, path: STANDBY_DIR }]);
}

interface VolumeMount {
  readonly volume: string;
  readonly path: string;
}

async function podOf({ name, place, parts, runtime }: PodOrder) {
  const uid = randomUUID();
  const dir = join(place.work, 'kubelet/pods', uid);
  /** Where the kubelet keeps an emptyDir; open to everybody, as it makes them. */
  const volumeDir = (volume: string): string => {
    const path = join(dir, 'volumes/kubernetes.io~empty-dir', volume);
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o777);
    return path;
  };
  const mountOf = ({ volume, path }: VolumeMount) => ({ container_path: path, host_path: volumeDir(volume) });
  const labels = labelsOf(name, uid);
  const config = sandboxConfig({ name, uid, logs: place.out, labels });
  const sandbox = { id: await runtime.runSandbox(config), config };
  const namespaces = { namespace_options: config.linux.security_context.namespace_options };
  return {
    installStandby: async (): Promise<void> => {
      const { exit_code: code } = await runtime.waitForEnd(
        await runtime.start(sandbox, {
          metadata: { name: STANDBY_VOLUME },
          image: { image: STANDBY_IMAGE },
          command: ['/standby', '--install', STANDBY_DIR],
          mounts: [mountOf({ volume: STANDBY_VOLUME, path: STANDBY_DIR })],
          labels,
          log_path: `${name}-installer.txt`,
          linux: { security_context: { ...namespaces, run_as_user: { value: INSTALLER_USER } } },
        }),
      );
      if (code !== 0) throw new Error(`standby --install ended with ${code}`);
    },
    start: async (command: readonly string[], more: readonly VolumeMount[]): Promise<Pod> => {
      const volumes = [
        { volume: 'data', path: DATA_DIR },
        { volume: CONTROL_VOLUME, path: CONTROL_DIR },
        ...more,
      ];
      const id = await runtime.start(sandbox, {
        metadata: { name: 'main' },
        image: { image: WORKER_IMAGE },
        command,
        envs: Object.entries(parts.env).map(([key, value]) => ({ key, value })),
        mounts: [
          ...parts.mounts.map((path) => ({ container_path: path, host_path: path, readonly: true })),
          ...volumes.map(mountOf),
        ],
        devices: parts.devices.map((path) => ({
          container_path: path,
          host_path: path,
          permissions: 'rwm',
        })),
        labels,
        log_path: `${name}.txt`,
        linux: { security_context: namespaces },
      });
      const file = join(volumeDir('data'), 'rounds');
      return { sandbox: sandbox.id, id, file, control: volumeDir(CONTROL_VOLUME) };
    },
  };
}

const labelsOf = (name: string, uid: string) => ({
  'io.kubernetes.pod.name': name,
  'io.kubernetes.pod.namespace': 'default',
  'io.kubernetes.pod.uid': uid,
});

/** On the node's network, so that no network plugin is needed. */
const sandboxConfig = (pod: { name: string; uid: string; logs: string; labels: Record<string, string> }) => ({
  metadata: { name: pod.name, uid: pod.uid, namespace: 'default' },
  log_directory: pod.logs,
  // Without it containerd copies the host's file, which need not be there.
  dns_config: { options: ['ndots:5'] },
  labels: pod.labels,
  linux: {
    cgroup_parent: PODS_CGROUP,
    security_context: {
      namespace_options: { network: mode.node, pid: mode.container, ipc: mode.pod },
    },
  },
});
