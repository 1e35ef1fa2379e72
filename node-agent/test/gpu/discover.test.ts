import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineConfig } from '../../src/config';
import { gpuContainer, gpusOf } from '../../src/gpu/discover';
import type { GivenContainer, Kubelet } from './kubelet';
import { kubelet } from './kubelet';
import { device, uuid } from './seen';

const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;

let dir: string;
let running: Kubelet | undefined;
beforeAll(() => (dir = mkdtempSync(join(tmpdir(), 'kubelet-'))));
afterEach(() => running?.close());
afterAll(() => rmSync(dir, { recursive: true }));

const node = {
  driver: '580.1',
  devices: [1, 2, 3].map((n) => device({ uuid: uuid(n), index: n - 1, minor: n - 1 })),
};
const name = { namespace: 'default', pod: 'worker', container: 'main' };

async function found(containers: readonly GivenContainer[], pid = process.pid) {
  const socket = join(dir, 'kubelet.sock');
  running = await kubelet(socket, containers);
  const { gpu } = engineConfig({ SNAPSHOT_POD_RESOURCES: socket });
  const { devices, foreign } = await gpusOf(node, { pid, name }, gpu);
  return { uuids: devices.map((d) => d.uuid), foreign };
}

const given = (resource_name: string, ...device_ids: string[]): readonly GivenContainer[] => [
  { name: 'sidecar', devices: [{ resource_name: 'nvidia.com/gpu', device_ids: [uuid(1)] }] },
  { name: 'main', devices: [{ resource_name, device_ids }] },
];

describe('what the kubelet has given to a container', () => {
  it.each([
    ['GPUs, in its order', given('nvidia.com/gpu', uuid(3), uuid(2)), [uuid(3), uuid(2)], []],
    ['a share of a GPU', given('nvidia.com/gpu.shared', `${uuid(2)}::4`), [uuid(2)], []],
    ['two shares of one', given('nvidia.com/gpu.shared', `${uuid(2)}::0`, `${uuid(2)}::1`), [uuid(2)], []],
    ['a part of a GPU', given('nvidia.com/mig-1g.18gb', 'MIG-1'), [], ['MIG-1']],
    ['a GPU that is not here', given('nvidia.com/gpu', uuid(9)), [], [uuid(9)]],
  ])('%s', async (_, containers, uuids, foreign) => {
    expect(await found(containers)).toEqual({ uuids, foreign });
  });

  it('other devices are not GPUs', async () => {
    expect(await found(given('example.com/nic', 'eth7'))).toEqual({ uuids: [], foreign: [] });
  });

  it('a claim that no device node answers to is foreign', async () => {
    const claims = [
      { claim_name: 'gpu', claim_resources: [{ driver_name: 'gpu.nvidia.com', device_name: 'gpu-2' }] },
      { claim_name: 'net', claim_resources: [{ driver_name: 'net.example.com', device_name: 'vf-1' }] },
    ];
    expect(await found([{ name: 'main', dynamic_resources: claims }])).toEqual({
      uuids: [],
      foreign: ['gpu-2'],
    });
  });
});

it('says whom it asked where the kubelet does not answer', async () => {
  const { gpu } = engineConfig({ SNAPSHOT_POD_RESOURCES: dir });
  await expect(gpusOf(node, { pid: process.pid, name }, gpu)).rejects.toThrow(`ask the kubelet at ${dir}`);
});

it('knows no name where there is no Kubernetes', () => {
  expect(gpuContainer(7, undefined)).toEqual({ pid: 7 });
});

describeAsRoot('without a word from the kubelet', () => {
  let child: ChildProcess;

  /** A container's /dev: two GPUs, the driver's control devices, and a file that only looks like one. */
  beforeAll(async () => {
    const make = [
      'mount -t tmpfs dev /dev',
      'mknod /dev/nvidia1 c 195 1',
      'mknod /dev/nvidia0 c 195 2',
      'mknod /dev/nvidiactl c 195 255',
      'mknod /dev/nvidia5 c 1 3',
      'echo ready',
      'exec sleep 600',
    ].join(' && ');
    child = spawn('unshare', ['--mount', 'sh', '-c', make], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (child.stdout !== null) await once(child.stdout, 'data');
  });
  afterAll(() => child.kill('SIGKILL'));

  it('its device nodes tell, by their numbers', async () => {
    const { gpu } = engineConfig({ SNAPSHOT_POD_RESOURCES: join(dir, 'none') });
    const { devices } = await gpusOf(node, { pid: child.pid ?? 0, name }, gpu);
    expect(devices.map((d) => d.uuid)).toEqual([uuid(2), uuid(3)]);
  });

  it('a claim is one of them', async () => {
    const claims = [{ claim_resources: [{ driver_name: 'gpu.nvidia.com', device_name: 'gpu-1' }] }];
    const containers = [{ name: 'main', dynamic_resources: claims }];
    expect(await found(containers, child.pid)).toEqual({ uuids: [uuid(2), uuid(3)], foreign: [] });
  });
});

it('has none where its /dev cannot be read', async () => {
  const { gpu } = engineConfig({ SNAPSHOT_POD_RESOURCES: join(dir, 'none') });
  expect(await gpusOf(node, { pid: 0 }, gpu)).toEqual({ devices: [], foreign: [] });
});
