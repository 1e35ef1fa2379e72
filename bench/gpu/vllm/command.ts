/** The command line of `vllm serve` and its environment; pure. */
import { join } from 'node:path';
import type { Address } from './ask';
import type { Model } from './model';

/** Of the model, for those who ask. */
export const NAME = 'bench';

export interface Serving {
  /** vLLM, or what stands in for it. */
  readonly program: readonly string[];
  readonly model: Model;
  readonly modelFolder: string;
  readonly listen: Address;
}

export const serveCommand = ({ program, model, modelFolder, listen }: Serving): readonly string[] => [
  ...program,
  ...['serve', modelFolder, '--served-model-name', NAME],
  ...['--host', listen.host, '--port', String(listen.port), '--disable-uvicorn-access-log'],
  ...['--max-model-len', '4096', '--load-format', 'safetensors'],
  ...['--kv-cache-memory-bytes', String(model.kvBytes)],
];

/** vLLM's own, of a Python. */
export const vllmOf = (python: string): readonly string[] => [python, '-m', 'vllm.entrypoints.cli.main'];

/** Below the folder where unpack.sh has put vLLM. */
export const siteOf = (folder: string): string => join(folder, 'site');

/** `site` has the Python packages, `cache` takes what a first start compiles and a later one finds. */
export const serveEnvironment = (site: string, cache: string): Readonly<Record<string, string>> => ({
  PYTHONPATH: site,
  PYTHONUNBUFFERED: '1',
  HF_HUB_OFFLINE: '1',
  TRANSFORMERS_OFFLINE: '1',
  VLLM_NO_USAGE_STATS: '1',
  DO_NOT_TRACK: '1',
  // They are not in the pack; vLLM has others, in PyTorch.
  VLLM_USE_DEEP_GEMM: '0',
  VLLM_USE_FLASHINFER_SAMPLER: '0',
  VLLM_CACHE_ROOT: join(cache, 'vllm'),
  XDG_CACHE_HOME: join(cache, 'xdg'),
  TORCHINDUCTOR_CACHE_DIR: join(cache, 'inductor'),
  TRITON_CACHE_DIR: join(cache, 'triton'),
  CUDA_CACHE_PATH: join(cache, 'cuda'),
});
