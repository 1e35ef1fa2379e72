/** A server of `vllm serve`: started without an io_uring, seen by the tokens that it answers with. */
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tail } from '../diagnose';
import type { Place } from '../place';
import type { Running } from '../worker';
import { start } from '../worker';
import type { Address } from './ask';
import { firstAnswer } from './ask';
import { FilesBeside } from './beside';
import { serveCommand, serveEnvironment, siteOf, vllmOf } from './command';
import type { Model } from './model';
import { folderOf } from './model';

export interface Server extends Running {
  readonly at: Address;
  readonly log: string;
  readonly beside: FilesBeside;
}

/** Returns when the first prompt has been answered. */
export async function startServer(place: Place, model: Model, limitMs: number): Promise<Server> {
  const log = join(place.out, `vllm-${model.shape}.server.log`);
  rmSync(log, { force: true });
  const stdio = openSync(log, 'a');
  const beside = new FilesBeside(log);
  const at = { host: '127.0.0.1', port: place.vllm.port };
  const program = place.vllm.program.length > 0 ? place.vllm.program : vllmOf('python3');
  const command = serveCommand({ program, model, modelFolder: folderOf(place.images, model), listen: at });
  const argv = ['python3', join(place.home, 'no_io_uring.py'), ...command];
  const { ended, ...running } = start(place, `vllm-${model.shape}`, argv, {
    // All of ours: a machine of many GPUs says there what NCCL may use.
    env: { ...process.env, ...serveEnvironment(siteOf(place.vllm.folder), compiledIn(place, model)) },
    // Python looks there for modules.
    cwd: place.work,
    stdio: ['ignore', stdio, stdio],
  });
  closeSync(stdio);
  await firstAnswer(at, ended, limitMs).catch((error: unknown) => {
    throw new Error(`the server does not answer; its log ends with\n${tail(log)}`, { cause: error });
  });
  return { ...running, at, log, beside };
}

/** What a first start compiles, and a later one finds. */
export const compiledIn = (place: Place, { shape }: Model): string => join(place.work, `vllm-cache-${shape}`);
