import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { Cuda } from '../../src/cuda/client';
import { nodeGpus, observeGpu, withGpu } from '../../src/gpu/observe';
import { processStates } from '../../src/cuda/protocol';
import type { ProcessRef } from '../../src/linux/ids';
import { mapShared, release } from '../../src/linux/memory';
import { processRef } from '../../src/linux/proc';
import { Stage } from '../cuda/stage';
import type { Kubelet } from './kubelet';
import { kubelet } from './kubelet';
import { uuid } from './seen';

jest.setTimeout(60_000);

let stage: Stage;
let running: Kubelet | undefined;
beforeEach(async () => {
  stage = new Stage();
  const devices = [{ resource_name: 'nvidia.com/gpu', device_ids: [uuid(1), uuid(2)] }];
  running = await kubelet(join(stage.dir, 'kubelet.sock'), [{ name: 'main', devices }]);
  stage.write('driver', '580.159.04\n');
  stage.write('devices', [line(1, 0, -1), line(2, 1, 0), ''].join('\n'));
});
afterEach(() => {
  running?.close();
  stage.close();
});

/** As test/gpu/libnvml.c reads it. */
const line = (n: number, minor: number, mig: number): string =>
  `${uuid(n)}|NVIDIA H200|${minor}|1000|${n * 100}|${mig}`;

const process_ = (ref: ProcessRef, ...openPaths: string[]) => ({ ref, name: 'python', openPaths });
const onDevice = (ref: ProcessRef) => process_(ref, '/dev/nvidiactl', '/dev/nvidia0');
const name = { namespace: 'default', pod: 'worker', container: 'main' };
const observed = (...processes: ReturnType<typeof process_>[]) =>
  observeGpu(
    processes,
    { pid: 0, name },
    { ...stage.config.gpu, podResources: join(stage.dir, 'kubelet.sock') },
  );

it('asks nobody about a tree that has nothing of a GPU open', async () => {
  expect(await observed(process_(stage.process(), '/etc/hosts'))).toBeUndefined();
  expect(stage.read('calls')).toBe('');
});

it('finds who holds CUDA state, on which GPU, and how much', async () => {
  const [a, b] = [stage.process('running'), stage.process('running')];
  stage.write('processes', `1 ${a.pid} 300 0\n1 ${b.pid} 200 0\n0 1 50 0\n`);
  const gpu = await observed(onDevice(a), onDevice(b));
  expect(gpu).toMatchObject({ driver: '580.159.04', others: [], foreign: [], usedBytes: 500 });
  expect(gpu?.gpus.map((g) => g.uuid)).toEqual([uuid(2)]);
  expect(gpu?.holders).toEqual([
    { ref: a, name: 'python', state: 'running', restoreThread: a.pid + 1, managedBytes: 0 },
    { ref: b, name: 'python', state: 'running', restoreThread: b.pid + 1, managedBytes: 0 },
  ]);
});

it("takes all that is used as the worker's where the driver does not tell", async () => {
  const a = stage.process('running');
  stage.write('processes', `1 ${a.pid} -1 0\n`);
  expect((await observed(onDevice(a)))?.usedBytes).toBe(1000 - 200);
});

it('takes all GPUs of the container where the driver lists the worker on none', async () => {
  const gpu = await observed(onDevice(stage.process('running')));
  expect(gpu?.gpus.map((g) => [g.uuid, g.usedBytes])).toEqual([
    [uuid(1), 900],
    [uuid(2), 800],
  ]);
});

it('knows a client of MPS', async () => {
  const a = stage.process('running');
  stage.write('processes', `0 ${a.pid} 5 1\n`);
  expect((await observed(onDevice(a)))?.gpus).toMatchObject([{ uuid: uuid(1), mps: true }]);
});

it('tells of a process that has a GPU open without CUDA', async () => {
  const a = stage.process();
  const gpu = await observed(onDevice(a));
  expect(gpu?.holders).toEqual([]);
  expect(gpu?.others).toEqual([
    { pid: a.pid, name: 'python', why: expect.stringContaining('has no CUDA state') as string },
  ]);
});

it('lets a process be that has only loaded the library', async () => {
  const a = stage.process();
  const gpu = await observed(process_(a, '/usr/lib/x86_64-linux-gnu/libcuda.so.580.159.04'));
  expect(gpu).toMatchObject({ holders: [], others: [] });
});

it('says that the driver names no restore thread', async () => {
  const a = stage.process('running');
  stage.will('fail-restoreThread', 401);
  const gpu = await observed(onDevice(a));
  expect(gpu?.holders).toEqual([{ ref: a, name: 'python', state: 'running', managedBytes: 0 }]);
});

it('tells how much managed memory a process has, of all that it maps', async () => {
  stage.write('nvidia-uvm', '');
  const fd = openSync(join(stage.dir, 'nvidia-uvm'), 'r+');
  ftruncateSync(fd, 64 << 20);
  const mapped = [2, 20, 17].map((mib) => mapShared(fd, mib << 20));
  closeSync(fd);
  const ref = processRef(process.pid);
  try {
    stage.write(String(process.pid), String(processStates.indexOf('running')));
    const gpu = ref && (await observed(onDevice(ref)));
    expect(gpu?.holders).toMatchObject([{ managedBytes: 37 << 20 }]);
  } finally {
    mapped.forEach(release);
  }
});

it('gives the words of both where neither NVML nor nvidia-smi answers', async () => {
  stage.wont('devices');
  const gpu = await observed(onDevice(stage.process('running')));
  expect(gpu?.fault).toMatch(/NVML: .*nvmlInit: error 6; .*no-nvidia-smi/s);
});

it('survives a driver that ends whoever asks', async () => {
  stage.will('crash-state');
  const gpu = await observed(onDevice(stage.process('running')));
  expect(gpu?.fault).toMatch(/CUDA helper: it ended with exit 139/);
});

it('adds to what was seen of a tree', async () => {
  const root = stage.process();
  const tree = { root, processes: [process_(root)] };
  expect(await withGpu(tree, undefined, stage.config.gpu)).toBe(tree);
});

it('lists the GPUs of the node, with clients of MPS', async () => {
  stage.write('devices', [line(1, 0, 1), line(2, 7, -1), ''].join('\n'));
  stage.write('processes', '0 71 300 0\n0 72 -1 1\n');
  const cuda = new Cuda(stage.config.gpu.helper);
  const { devices } = await nodeGpus(cuda);
  cuda.close();
  expect(devices).toEqual([
    {
      ...{ index: 0, uuid: uuid(1), model: 'NVIDIA H200', minor: 0, memoryBytes: 1000, freeBytes: 100 },
      ...{
        mig: true,
        processes: [
          { pid: 71, usedBytes: 300 },
          { pid: 72, mps: true },
        ],
      },
    },
    {
      ...{ index: 1, uuid: uuid(2), model: 'NVIDIA H200', minor: 7, memoryBytes: 1000, freeBytes: 200 },
      ...{ mig: false, processes: [] },
    },
  ]);
});
