/**
 * An HTTP request from inside a pod's network namespace: the loopback first, then the pod's address. Only this thread moves there, and
 * Node makes its sockets on this thread, so nothing else may be done meanwhile: one engine is one operation, and it waits here.
 */
import { closeSync, openSync } from 'node:fs';
import { request } from 'node:http';
import type { HostPid } from '../linux/ids';
import { CLONE, setns } from '../linux/syscalls';
import type { HttpCall } from './plan';
import { isExpected } from './plan';

const LOOPBACK = '127.0.0.1';
/** How often a server that does not listen yet is asked again. */
const AGAIN_MS = 100;
const KEPT_CHARACTERS = 200;

export async function inNetworkOf<T>(pid: HostPid, work: () => Promise<T>): Promise<T> {
  const own = openSync('/proc/self/ns/net', 'r');
  const theirs = openSync(`/proc/${pid}/ns/net`, 'r');
  try {
    setns(theirs, CLONE.NEWNET);
    return await work();
  } finally {
    setns(own, CLONE.NEWNET);
    closeSync(own);
    closeSync(theirs);
  }
}

/** Throws where the answer is not the expected one, or does not come before the signal. */
export async function callHttp(
  call: HttpCall,
  podIp: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const hosts = podIp === undefined ? [LOOPBACK] : [LOOPBACK, podIp];
  for (;;) {
    for (const host of hosts) if (await asked(call, host, signal)) return;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    signal.throwIfAborted();
  }
}

/** False where nobody listens. */
async function asked(call: HttpCall, host: string, signal: AbortSignal): Promise<boolean> {
  try {
    const { status, text } = await send(call, host, signal);
    if (isExpected(call, status)) return true;
    throw new Error(`answered ${status}: ${text.slice(0, KEPT_CHARACTERS)}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return false;
    throw error;
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function send({ method, path, port }: HttpCall, host: string, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { method, path, port, host, signal, agent: false, headers: { connection: 'close' } };
    const asking = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text = (text + part).slice(0, KEPT_CHARACTERS)));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    asking.on('error', reject);
    asking.end();
  });
}
