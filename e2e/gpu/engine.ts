/** The engine as a program, as people run it on a containerd host. */
import { execFile } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import type { CaptureResult, Failure, Outcome, RestoreResult } from '@dynamo-snapshot/node-agent/engine';
import { SOCKET } from './node';
import type { Place } from './place';
import { programOf } from './place';

const LIMIT_SECONDS = 120;
/** To take back what it has done. */
const MARGIN_SECONDS = 30;

export class Engine {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  capture = (id: string, artifact: string): Promise<CaptureResult> =>
    this.#operate<CaptureResult>('capture', id, artifact);

  restore = (id: string, artifact: string): Promise<RestoreResult> =>
    this.#operate<RestoreResult>('restore', id, artifact);

  /** Of one that must fail. */
  async refusal(id: string, artifact: string): Promise<Failure> {
    const outcome = await this.#outcome('restore', id, artifact);
    if (outcome.ok) throw new Error('the engine has restored it');
    return outcome;
  }

  async inspect(artifact: string): Promise<Manifest & { readonly digest: string }> {
    return JSON.parse(await this.#run(['inspect', artifact])) as Manifest & { readonly digest: string };
  }

  async #operate<T>(operation: 'capture' | 'restore', id: string, artifact: string): Promise<T> {
    const outcome = await this.#outcome(operation, id, artifact);
    if (!outcome.ok) throw new Error(`${outcome.reason}: ${outcome.message}`);
    return outcome.result as T;
  }

  async #outcome(operation: string, id: string, artifact: string): Promise<Outcome> {
    const limit = ['--timeout', String(LIMIT_SECONDS)];
    return JSON.parse(
      await this.#run([operation, '--container', id, '--artifact', artifact, ...limit]),
    ) as Outcome;
  }

  /** What it says on stdout; its log is kept. */
  #run(args: readonly string[]): Promise<string> {
    const { home, work, out } = this.#place;
    const env = {
      PATH: process.env['PATH'],
      LD_LIBRARY_PATH: process.env['LD_LIBRARY_PATH'],
      SNAPSHOT_CRIU: join(home, 'criu/criu'),
      SNAPSHOT_ENGINE: join(home, 'engine.cjs'),
      SNAPSHOT_NSRESTORE: join(home, 'nsrestore'),
      SNAPSHOT_RLIMIT_SHIM: join(home, 'rlimit-shim.so'),
      SNAPSHOT_TILE_SHIM: join(home, 'tile-shim.so'),
      SNAPSHOT_CRI_SOCKET: SOCKET,
      SNAPSHOT_WORK: join(work, 'engine'),
    };
    const options = { env, timeout: (LIMIT_SECONDS + MARGIN_SECONDS) * 1000, maxBuffer: 64 << 20 };
    return new Promise((resolve, reject) =>
      execFile(
        process.execPath,
        [programOf(this.#place, 'engine.cjs'), ...args],
        options,
        (error, stdout, stderr) => {
          appendFileSync(join(out, 'engine.log'), `$ engine ${args.join(' ')}\n${stderr}${stdout}\n`);
          if (stdout.startsWith('{')) resolve(stdout);
          else reject(new Error(`engine ${args[0]}: ${stderr.trim().slice(-2000)}`, { cause: error }));
        },
      ),
    );
  }
}
