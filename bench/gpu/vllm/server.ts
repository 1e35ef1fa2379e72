/** A server of `vllm serve`: started without an io_uring, seen by the tokens that it answers with. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Place } from '../place';
import type { Running, Started } from '../worker';
import { start } from '../worker';
import { FilesBeside } from './beside';
import type { Model } from './model';
import { folderOf } from './model';

export interface Server extends Running {
  readonly port: number;
  readonly log: string;
  readonly beside: FilesBeside;
}

const NAME = 'bench';
export const TOKENS = 48;
const ASK_AGAIN_MS = 20;

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
/** As token numbers, so that no tokenizer has a part in it. */
export const prompts = [range(100, 164), range(7, 39)] as const;
type Prompt = (typeof prompts)[number];

/** Returns when the first prompt has been answered. */
export async function startServer(place: Place, model: Model, limitMs: number): Promise<Server> {
  const log = join(place.out, `vllm-${model.shape}.server.log`);
  rmSync(log, { force: true });
  const stdio = openSync(log, 'a');
  const beside = new FilesBeside(log);
  const argv = ['python3', join(place.home, 'no_io_uring.py'), ...commandOf(place, model)];
  const { ended, ...running } = start(place, `vllm-${model.shape}`, argv, {
    env: environment(place, model),
    // Python looks there for modules.
    cwd: place.work,
    stdio: ['ignore', stdio, stdio],
  });
  closeSync(stdio);
  const { port } = place.vllm;
  await firstAnswer(port, ended, limitMs).catch((error: unknown) => {
    throw new Error(`the server does not answer; its log ends with\n${tail(log)}`, { cause: error });
  });
  return { ...running, port, log, beside };
}

const LOG_LINES = 30;
const tail = (file: string): string =>
  readFileSync(file, 'utf8').trim().split('\n').slice(-LOG_LINES).join('\n');

export function commandOf({ images, vllm }: Place, model: Model): readonly string[] {
  return [
    ...(vllm.program.length > 0 ? vllm.program : ['python3', '-m', 'vllm.entrypoints.cli.main']),
    ...['serve', folderOf(images, model), '--served-model-name', NAME],
    ...['--host', '127.0.0.1', '--port', String(vllm.port), '--disable-uvicorn-access-log'],
    ...['--max-model-len', '4096', '--load-format', 'safetensors'],
    ...['--kv-cache-memory-bytes', String(model.kvBytes)],
  ];
}

/** What a first start compiles, and a later one finds. */
export const compiledIn = (place: Place, { shape }: Model): string => join(place.work, `vllm-cache-${shape}`);

function environment(place: Place, model: Model): NodeJS.ProcessEnv {
  const cache = compiledIn(place, model);
  return {
    // All of it: a machine of many GPUs says there what NCCL may use.
    ...process.env,
    PYTHONPATH: join(place.vllm.folder, 'site'),
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
  };
}

async function firstAnswer(port: number, ended: Started['ended'], limitMs: number): Promise<void> {
  const until = performance.now() + limitMs;
  let over: unknown;
  ended.catch((error: unknown) => (over = error));
  for (;;) {
    const left = until - performance.now();
    try {
      await Promise.race([complete(port, prompts[0], Math.max(1, left)), ended]);
      return;
    } catch (error) {
      if (over !== undefined || left <= 0) throw error;
    }
    // Nobody tells when a foreign process begins to listen.
    await delay(ASK_AGAIN_MS);
  }
}

/** A hash of the tokens, which are as many as were asked for. Returns when the connection is closed. */
export async function complete(port: number, prompt: Prompt, limitMs: number): Promise<string> {
  const asked = { model: NAME, prompt, max_tokens: TOKENS, temperature: 0, ignore_eos: true };
  const text = await post(port, JSON.stringify({ ...asked, return_token_ids: true }), limitMs);
  const { choices } = JSON.parse(text) as { choices?: readonly { token_ids?: readonly number[] }[] };
  const tokens = choices?.[0]?.token_ids ?? [];
  if (tokens.length !== TOKENS)
    throw new Error(`the server answers ${tokens.length} tokens: ${text.slice(0, 300)}`);
  return createHash('sha256').update(tokens.join()).digest('hex').slice(0, 12);
}

const path = '/v1/completions';

function post(port: number, body: string, limitMs: number): Promise<string> {
  const headers = { 'content-type': 'application/json', connection: 'close' };
  const to = { host: '127.0.0.1', port, path, method: 'POST', agent: false, headers, timeout: limitMs };
  return new Promise((resolve, reject) => {
    const asked = request(to, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      // No dump shall find our connection in the server.
      response.socket.once('close', () =>
        response.statusCode === 200
          ? resolve(text)
          : reject(new Error(`POST ${path}: ${response.statusCode} ${text.slice(0, 300)}`)),
      );
    });
    asked.on('timeout', () => asked.destroy(new Error(`POST ${path}: no answer within ${limitMs} ms`)));
    asked.on('error', reject);
    asked.end(body);
  });
}
