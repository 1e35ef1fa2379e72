/** What the driver says about the processes of a tree and about the GPUs of its container. Nothing is touched. */
import { readFileSync } from 'node:fs';
import { explain } from '@dynamo-snapshot/api/errors';
import type { GpuConfig } from '../config';
import type { PodFacts } from '../engine';
import { Cuda } from '../cuda/client';
import { holdsCuda, mayHoldCuda } from '../cuda/plan';
import type { CudaAnswer, CudaCall, ProcessState } from '../cuda/protocol';
import { failureOf } from '../cuda/result';
import type { ProcessRef } from '../linux/ids';
import { orAbsent } from '../linux/proc';
import type { Device, GpuNode } from './device';
import type { GpuContainer } from './discover';
import { gpuContainer, gpusOf } from './discover';
import { managedBytes } from './managed';

export interface GpuProcess {
  readonly ref: ProcessRef;
  readonly name: string;
  readonly openPaths: readonly string[];
}

export interface Holder {
  readonly ref: ProcessRef;
  readonly name: string;
  readonly state: ProcessState;
  /** Undefined: the driver names no thread that could restore it. */
  readonly restoreThread?: number;
  readonly managedBytes: number;
}

export interface GpuSeen {
  readonly driver: string;
  readonly holders: readonly Holder[];
  /** Have a GPU open without CUDA: nothing can take it away from them. */
  readonly others: readonly { readonly pid: number; readonly name: string; readonly why: string }[];
  readonly gpus: readonly SeenGpu[];
  readonly foreign: readonly string[];
  /** Of all holders on all GPUs. */
  readonly usedBytes: number;
  /** Of the node's memory, into which the driver copies. */
  readonly hostFreeBytes: number;
  /** Why nothing could be asked. */
  readonly fault?: string;
}

export interface SeenGpu {
  readonly uuid: string;
  readonly model: string;
  readonly memoryBytes: number;
  readonly freeBytes: number;
  readonly usedBytes: number;
  readonly mig: boolean;
  readonly mps: boolean;
}

const ASK_MS = 30_000;

/** Undefined for a tree that has nothing of a GPU open: no helper is started, no driver needed. */
export async function observeGpu(
  processes: readonly GpuProcess[],
  container: GpuContainer,
  config: GpuConfig,
): Promise<GpuSeen | undefined> {
  const maybe = processes.filter((p) => mayHoldCuda(p.openPaths));
  if (maybe.length === 0) return undefined;
  const cuda = new Cuda(config.helper);
  try {
    const [answers, node] = await Promise.all([
      Promise.all(maybe.map(({ ref }) => ask(cuda, { call: 'state', pid: ref.pid }))),
      nodeGpus(cuda),
    ]);
    const holders = await Promise.all(
      maybe.flatMap((p, i) => {
        const answer = answers[i];
        return answer !== undefined && holdsCuda(answer) ? [holder(cuda, p, answer.state ?? 'failed')] : [];
      }),
    );
    return seen({ maybe, answers, holders, node, found: await gpusOf(node, container, config) });
  } catch (error) {
    return { ...NOTHING, hostFreeBytes: hostFreeBytes(), fault: explain(error) };
  } finally {
    cuda.close();
  }
}

/** What was seen of a tree, and of its GPUs where it has any. */
export async function withGpu<
  T extends { readonly processes: readonly GpuProcess[]; readonly root: ProcessRef },
>(tree: T, pod: PodFacts | undefined, config: GpuConfig): Promise<T & { readonly gpu?: GpuSeen }> {
  const gpu = await observeGpu(tree.processes, gpuContainer(tree.root.pid, pod), config);
  return gpu === undefined ? tree : { ...tree, gpu };
}

const NOTHING: Omit<GpuSeen, 'hostFreeBytes'> = {
  driver: '',
  holders: [],
  others: [],
  gpus: [],
  foreign: [],
  usedBytes: 0,
};

const ask = (cuda: Cuda, call: CudaCall): Promise<CudaAnswer> => cuda.call(call, ASK_MS);

async function holder(cuda: Cuda, { ref, name }: GpuProcess, state: ProcessState): Promise<Holder> {
  const { rc, thread } = await ask(cuda, { call: 'restoreThread', pid: ref.pid });
  const managed = managedBytes(orAbsent(() => readFileSync(`/proc/${ref.pid}/maps`, 'utf8')) ?? '');
  const restoreThread = rc === 0 ? thread : undefined;
  return {
    ...{ ref, name, state, managedBytes: managed },
    ...(restoreThread === undefined ? {} : { restoreThread }),
  };
}

/** Throws with the words of NVML and nvidia-smi where neither answers. */
export async function nodeGpus(cuda: Cuda): Promise<GpuNode> {
  const call = { call: 'devices' } as const;
  const answer = await ask(cuda, call);
  if (answer.rc !== 0 || answer.devices === undefined) throw new Error(failureOf(call, answer));
  return { driver: answer.driver ?? '', devices: answer.devices };
}

interface Parts {
  readonly maybe: readonly GpuProcess[];
  readonly answers: readonly CudaAnswer[];
  readonly holders: readonly Holder[];
  readonly node: GpuNode;
  readonly found: { readonly devices: readonly Device[]; readonly foreign: readonly string[] };
}

function seen({ maybe, answers, holders, node, found }: Parts): GpuSeen {
  const pids = new Set<number>(holders.map((h) => h.ref.pid));
  const used = found.devices.filter((d) => d.processes.some((p) => pids.has(p.pid)));
  const gpus = (used.length > 0 ? used : found.devices).map((d) => gpuOf(d, pids));
  return {
    driver: node.driver,
    holders,
    others: maybe.flatMap(({ ref, name, openPaths }, i) => {
      const answer = answers[i] ?? { rc: -1 };
      const opens = openPaths.some((path) => path.startsWith('/dev/nvidia'));
      if (pids.has(ref.pid) || !opens) return [];
      return [{ pid: ref.pid, name, why: failureOf({ call: 'state', pid: ref.pid }, answer) }];
    }),
    gpus,
    foreign: found.foreign,
    usedBytes: gpus.reduce((sum, g) => sum + g.usedBytes, 0),
    hostFreeBytes: hostFreeBytes(),
  };
}

/** Where the driver does not tell what a process uses, it is taken to use all that is used. */
function gpuOf(
  { uuid, model, memoryBytes, freeBytes, mig, processes }: Device,
  pids: ReadonlySet<number>,
): SeenGpu {
  const ours = processes.filter((p) => pids.has(p.pid));
  const told = ours.every((p) => p.usedBytes !== undefined) && ours.length > 0;
  const usedBytes = told ? ours.reduce((sum, p) => sum + (p.usedBytes ?? 0), 0) : memoryBytes - freeBytes;
  return { uuid, model, memoryBytes, freeBytes, usedBytes, mig, mps: ours.some((p) => p.mps === true) };
}

const hostFreeBytes = (): number =>
  Number(/^MemAvailable:\s*(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024;
