import type { Receipt } from '@dynamo-snapshot/api/receipt';
import { cudaPart, cudaTree, gpuFacts } from '../../src/gpu/manifest';
import { gpusHere, returnGpus } from '../../src/gpu/return';
import type { ProcessRef } from '../../src/linux/ids';
import { Stage } from '../cuda/stage';
import { captured, GIB, gpu, here, holder, seen, uuid } from './seen';

jest.setTimeout(60_000);

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
  stage.write('driver', '580.159.04\n');
  stage.write('devices', `${uuid(2)}|NVIDIA H200|0|1000|900|-1\n`);
});
afterEach(() => stage.close());

const receipt = (...refs: readonly (readonly [inner: number, ref: ProcessRef])[]): Receipt => ({
  artifactDigest: 'sha256:0',
  restoredPid: 2,
  steps: [],
  tree: refs.map(([pid, ref]) => ({ hostPid: ref.pid, startTime: ref.startTime, pid, name: 'python' })),
});

it('asks nobody where the artifact has no GPU part', async () => {
  expect(await gpusHere(undefined, { pid: 0 }, stage.io)).toBeUndefined();
  await returnGpus(undefined, undefined, receipt(), stage.io);
  expect(stage.read('calls')).toBe('');
});

it('says why the driver cannot be asked', async () => {
  stage.wont('devices');
  const now = await gpusHere(captured(uuid(1)), { pid: 0 }, stage.io);
  now?.helper.close();
  expect(now?.fault).toMatch(/nvmlInit: error 6/);
});

it('gives the restored processes the GPU that takes the place of theirs', async () => {
  const a = stage.process('checkpointed');
  const now = await gpusHere(captured(uuid(1)), { pid: 0 }, stage.io);
  if (now === undefined) throw new Error('nobody was asked');
  const devices = here().devices.map((d) => ({ ...d, uuid: uuid(2) }));
  await returnGpus(captured(uuid(1)), { ...now, devices }, receipt([1, a]), stage.io);
  const hex = (n: number) => uuid(n).slice('GPU-'.length).replaceAll('-', '');
  expect(stage.calls).toEqual([`restore ${a.pid} ${hex(1)}=${hex(2)}`, `unlock ${a.pid}`]);
  expect(stage.state(a)).toBe('running');
});

it('refuses a tree without one that held CUDA state', async () => {
  const a = stage.process('checkpointed');
  const now = await gpusHere(captured(uuid(1)), { pid: 0 }, stage.io);
  const work = returnGpus(captured(uuid(1)), now, receipt([7, a]), stage.io);
  await expect(work).rejects.toThrow('process 1, which holds CUDA state, was not restored');
  now?.helper.close();
  expect(stage.calls).toEqual([]);
});

describe('the manifest', () => {
  it('has no GPU part for a worker without CUDA', () => {
    expect(cudaPart(undefined, [])).toEqual({});
    expect(cudaPart(seen({ holders: [] }), [])).toEqual({});
    expect(gpuFacts(undefined)).toEqual({});
    expect(gpuFacts(seen({ gpus: [] }))).toEqual({});
    expect(cudaTree(undefined)).toEqual({ processes: [], bytes: 0, driver: '' });
  });

  it('tells GPUs, what was used on each, and the processes by their own pids', () => {
    const { pid, startTime } = stage.process();
    const what = seen({ holders: [holder(pid, { ref: { pid, startTime } })] });
    expect(cudaPart(what, [{ pid: 1, start: 4096, end: 8192 }])).toEqual({
      cuda: {
        driver: '580.159.04',
        processes: [pid],
        gpus: [{ uuid: uuid(1), model: 'NVIDIA H200', memoryBytes: 140 * GIB, usedBytes: 40 * GIB }],
        bytes: 40 * GIB,
        areas: [{ pid: 1, start: 4096, end: 8192 }],
      },
    });
    expect(gpuFacts(seen({ gpus: [gpu(), gpu({ uuid: uuid(2) })] }))).toEqual({
      gpu: { model: 'NVIDIA H200', count: 2, driver: '580.159.04' },
    });
  });
});
