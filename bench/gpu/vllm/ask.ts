/** What a server of `vllm serve` is asked: prompts over HTTP, answered greedily, and told as hashes of their tokens. */
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { NAME } from './command';

/** Where a server listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export const TOKENS = 48;
const ANSWERS_WITHIN_MS = 60_000;
const ASK_AGAIN_MS = 20;

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
/** As token numbers, so that no tokenizer has a part in it. */
export const prompts = [range(100, 164), range(7, 39)] as const;
type Prompt = (typeof prompts)[number];

/** Of a server that starts: asks until the first prompt is answered. `ended` rejects when there is nobody left to answer it. */
export async function firstAnswer(at: Address, ended: Promise<never>, limitMs: number): Promise<string> {
  const until = performance.now() + limitMs;
  let over: unknown;
  ended.catch((error: unknown) => (over = error));
  for (;;) {
    const left = until - performance.now();
    try {
      return await Promise.race([complete(at, prompts[0], Math.max(1, left)), ended]);
    } catch (error) {
      if (over !== undefined || left <= 0) throw error;
    }
    // Nobody tells when a foreign process begins to listen.
    await delay(ASK_AGAIN_MS);
  }
}

/** Of both prompts. A prompt that was asked before is answered from the prefix cache, by other kernels: only such answers are compared. */
export async function answers(at: Address): Promise<string> {
  const hashes: string[] = [];
  for (const prompt of prompts) hashes.push(await complete(at, prompt));
  return hashes.join();
}

/** A hash of the tokens, which are as many as were asked for. Returns when the connection is closed. */
export async function complete(at: Address, prompt: Prompt, limitMs = ANSWERS_WITHIN_MS): Promise<string> {
  const asked = { model: NAME, prompt, max_tokens: TOKENS, temperature: 0, ignore_eos: true };
  const text = await post(at, JSON.stringify({ ...asked, return_token_ids: true }), limitMs);
  const { choices } = JSON.parse(text) as { choices?: readonly { token_ids?: readonly number[] }[] };
  const tokens = choices?.[0]?.token_ids ?? [];
  if (tokens.length !== TOKENS)
    throw new Error(`the server answers ${tokens.length} tokens: ${text.slice(0, 300)}`);
  return createHash('sha256').update(tokens.join()).digest('hex').slice(0, 12);
}

const path = '/v1/completions';

function post(at: Address, body: string, limitMs: number): Promise<string> {
  const headers = { 'content-type': 'application/json', connection: 'close' };
  const to = { ...at, path, method: 'POST', agent: false, headers, timeout: limitMs };
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
