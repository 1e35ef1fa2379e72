/** The GPU part of a restore: checked before any process exists, given to the restored processes once their memory is whole. */
import type { Receipt } from '@dynamo-snapshot/api/receipt';
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import { pairGpus } from '../cuda/plan';
import { Cuda } from '../cuda/client';
import { cudaRestore } from '../cuda/stop';
import type { EngineIo } from '../engine-io';
import { hostPid } from '../linux/ids';
import type { Behind } from '../gate/gate';
import type { CudaPart, GpusHere } from './decide';
import type { GpuContainer } from './discover';
import { gpusOf } from './discover';
import { nodeGpus } from './observe';

/** With the helper that answered: it is up when the restored processes wait for it. */
export interface OpenGpus extends GpusHere {
  readonly helper: Cuda;
}

/** Undefined where the artifact has no GPU part: the driver is not asked. */
export async function gpusHere(
  cuda: CudaPart | undefined,
  container: GpuContainer,
  { config }: EngineIo,
): Promise<OpenGpus | undefined> {
  if (cuda === undefined) return undefined;
  const helper = new Cuda(config.gpu.helper);
  try {
    const node = await nodeGpus(helper);
    return { helper, driver: node.driver, ...(await gpusOf(node, container, config.gpu)) };
  } catch (error) {
    return { helper, driver: '', devices: [], foreign: [], fault: explain(error) };
  }
}

/** The restored processes run already, and wait in the driver until this is done. */
export async function returnGpus(
  cuda: CudaPart | undefined,
  here: OpenGpus | undefined,
  { tree = [] }: Receipt,
  io: EngineIo,
  behind?: Behind,
): Promise<void> {
  if (cuda === undefined || here === undefined) return behind?.whole;
  const processes = cuda.processes.map((inner) => {
    const found = tree.find((p) => p.pid === inner);
    if (found === undefined)
      throw new TerminalError(
        'RestoreUnproven',
        `process ${inner}, which holds CUDA state, was not restored`,
      );
    return { pid: hostPid(found.hostPid), startTime: found.startTime };
  });
  const gpuPairs = pairGpus(
    cuda.gpus.map((g) => g.uuid),
    here.devices.map((d) => d.uuid),
  );
  const returned = { processes, bytes: cuda.bytes, driver: here.driver, gpuPairs };
  await cudaRestore(returned, io, { cuda: here.helper, behind });
}
