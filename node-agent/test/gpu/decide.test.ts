import { captureReasons, restoreReasons } from '../../src/gpu/decide';
import { captured, device, GIB, gpu, here, holder, seen, uuid } from './seen';

describe('a capture', () => {
  it.each([
    ['of a tree without a GPU', undefined, {}],
    ['of a worker on one GPU', seen(), {}],
    ['within a memory limit that leaves enough', seen(), { limitFreeBytes: 43 * GIB }],
    ['of one process on two GPUs', seen({ gpus: [gpu(), gpu({ uuid: uuid(2) })] }), {}],
    [
      'of two processes on two GPUs with a driver that can',
      seen({
        driver: '610.10',
        holders: [holder(71), holder(72)],
        gpus: [gpu(), gpu({ uuid: uuid(2) })],
      }),
      {},
    ],
    [
      'of managed memory with a driver that nothing is known of',
      seen({ driver: '610.10', holders: [holder(71, { managedBytes: GIB })] }),
      {},
    ],
  ])('is possible %s', (_, what, room) => expect(captureReasons(what, room)).toEqual([]));

  it.each([
    ['a driver that does not answer', { fault: 'no libcuda.so.1' }, /cannot be asked: no libcuda\.so\.1/],
    [
      'a process that has a GPU open without CUDA',
      { others: [{ pid: 9, name: 'Xorg', why: 'not initialised' }] },
      /process 9 \(Xorg\) has a GPU open without CUDA: not initialised/,
    ],
    [
      'CUDA state that is locked already',
      { holders: [holder(71, { state: 'locked' })] },
      /process 71 \(python\) is locked, not running/,
    ],
    [
      'managed memory',
      { holders: [holder(71), holder(72, { managedBytes: 3 * GIB })] },
      /process 72 \(python\) has 3Gi of managed memory \(cuMemAllocManaged\), which driver 580\.159\.04 cannot checkpoint/,
    ],
    ['a part of a GPU', { foreign: ['MIG-1'] }, /device MIG-1 is a part of a GPU/],
    ['a partitioned GPU', { gpus: [gpu({ mig: true })] }, /GPU-11111111\S* is partitioned \(MIG\)/],
    ['a GPU through MPS', { gpus: [gpu({ mps: true })] }, /GPU-11111111\S* is used through MPS/],
    ['GPUs that cannot be told', { gpus: [], usedBytes: 0 }, /which GPUs it uses cannot be told/],
    [
      'memory that processes share',
      { holders: [holder(71), holder(72)], gpus: [gpu(), gpu({ uuid: uuid(2) })] },
      /2 processes on 2 GPUs share memory, which driver 580\.159\.04 cannot checkpoint \(610 can\)/,
    ],
    [
      'a node without room for its memory',
      { hostFreeBytes: 41 * GIB },
      /needs 42Gi of the node's memory, and 41Gi are free/,
    ],
  ])('is refused for %s', (_, more, reason) => {
    const [first, ...rest] = captureReasons(seen(more), {});
    expect(first).toMatch(reason);
    expect(rest).toEqual([]);
  });

  it('is refused for a process without a restore thread', () => {
    const { ref, name, state, managedBytes } = holder(71);
    expect(captureReasons(seen({ holders: [{ ref, name, state, managedBytes }] }), {})).toEqual([
      'the driver names no restore thread of process 71 (python)',
    ]);
  });

  it('is refused for a memory limit that its GPU memory does not fit into', () => {
    expect(captureReasons(seen(), { limitFreeBytes: 41 * GIB })).toEqual([
      'its GPU memory needs 42Gi within its memory limit, which leaves 41Gi',
    ]);
  });

  it('tells all reasons at once', () => {
    const bad = seen({ gpus: [gpu({ mig: true, mps: true })], foreign: ['MIG-1'], hostFreeBytes: 0 });
    expect(captureReasons(bad, { limitFreeBytes: 0 })).toHaveLength(5);
  });
});

describe('a restore', () => {
  it.each([
    ['of a worker without a GPU', undefined, here({ devices: [] })],
    ['on the same GPU', captured(uuid(1)), here()],
    ['on another GPU of the model', captured(uuid(1)), here({ devices: [device({ uuid: uuid(2) })] })],
    [
      'on the same GPU with an old driver',
      { ...captured(uuid(1)), driver: '570.1' },
      here({ driver: '570.1' }),
    ],
    ['on one of two GPUs', captured(uuid(2)), here({ devices: [device(), device({ uuid: uuid(2) })] })],
  ])('is possible %s', (_, cuda, now) => expect(restoreReasons(cuda, now, false)).toEqual([]));

  it.each([
    [
      'a driver that does not answer',
      here({ fault: 'no NVML' }),
      /needs 1 GPUs, .* cannot be asked: no NVML/,
    ],
    [
      'too few GPUs',
      here({ devices: [], foreign: ['MIG-7'] }),
      /captured on 1 GPUs, the container has 0 \(and MIG-7\)/,
    ],
    [
      'too little free GPU memory, with both numbers',
      here({ devices: [device({ freeBytes: 39 * GIB })] }),
      /needs 40Gi of GPU memory, GPU GPU-1\S* has 39Gi free/,
    ],
    [
      'another model',
      here({ devices: [device({ model: 'NVIDIA L4' })] }),
      /captured on NVIDIA H200, GPU GPU-1\S* is NVIDIA L4/,
    ],
    ['a partitioned GPU', here({ devices: [device({ mig: true })] }), /partitioned \(MIG\)/],
    ['another driver', here({ driver: '590.2' }), /captured with driver 580\.159\.04, this node has 590\.2/],
  ])('is refused for %s', (_, now, reason) => {
    const [first, ...rest] = restoreReasons(captured(uuid(1)), now, false);
    expect(first).toMatch(reason);
    expect(rest).toEqual([]);
  });

  it('is refused on another GPU where the driver cannot map', () => {
    const cuda = { ...captured(uuid(1)), driver: '570.1' };
    expect(
      restoreReasons(cuda, here({ driver: '570.1', devices: [device({ uuid: uuid(2) })] }), false),
    ).toEqual(['captured on another GPU, which driver 570.1 cannot take (580 can)']);
  });

  it('passes over model and driver where the pod asks for it, never over memory', () => {
    const now = here({ driver: '590.2', devices: [device({ model: 'NVIDIA L4', freeBytes: GIB })] });
    expect(restoreReasons(captured(uuid(1)), now, true)).toEqual([
      `needs 40Gi of GPU memory, GPU ${uuid(1)} has 1Gi free`,
    ]);
  });

  it('looks at the GPU that takes the place of each', () => {
    const devices = [device({ uuid: uuid(3), freeBytes: GIB }), device()];
    expect(restoreReasons(captured(uuid(1), uuid(2)), here({ devices }), false)).toEqual([
      `needs 40Gi of GPU memory, GPU ${uuid(3)} has 1Gi free`,
    ]);
  });
});
