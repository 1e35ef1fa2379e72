/** The engine as a program: as people run it on a containerd host, and on an entry of a journal, as an agent does. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import type {
  CaptureRequest,
  CaptureResult,
  Failure,
  Outcome,
  RestoreRequest,
  RestoreResult,
} from '@dynamo-snapshot/node-agent/engine';
import { JournalEntry } from '@dynamo-snapshot/node-agent/journal/entry';
import { CriuLog } from './criu-log';
import { SOCKET } from './node';
import type { Place } from './place';
import { programOf } from './place';
import { engineEnvironment } from './stand-in';

const LIMIT_SECONDS = 180;
/** To take back what it has done. */
const MARGIN_SECONDS = 30;
/** Of its log, where it has failed. */
const LAST_WORDS = 2000;

/** Beyond what the machine asks for. */
export type Settings = Readonly<Record<string, string>>;

interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly error: Error | null;
}

export class Engine {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  capture = (id: string, artifact: string): Promise<CaptureResult> =>
    this.#byHand<CaptureResult>('capture', id, artifact);

  restore = (id: string, artifact: string, settings?: Settings): Promise<RestoreResult> =>
    this.#byHand<RestoreResult>('restore', id, artifact, settings);

  /** Of one that must fail. */
  async refusal(id: string, artifact: string, settings?: Settings): Promise<Failure> {
    const outcome = await this.#outcome('restore', id, artifact, settings);
    if (outcome.ok) throw new Error('the engine has restored it');
    return outcome;
  }

  async inspect(artifact: string): Promise<Manifest & { readonly digest: string }> {
    return JSON.parse(await this.#print(['inspect', artifact])) as Manifest & { readonly digest: string };
  }

  async operate(request: CaptureRequest): Promise<CaptureResult>;
  async operate(request: RestoreRequest): Promise<RestoreResult>;
  /** With what only an agent knows of a pod. */
  async operate(request: CaptureRequest | RestoreRequest): Promise<unknown> {
    const uid = randomUUID();
    const entry = new JournalEntry(join(this.#place.work, 'journal', uid));
    const assignment = { namespace: 'default', name: request.operation.toLowerCase(), uid };
    entry.create({ request, deadline: Date.now() + LIMIT_SECONDS * 1000, assignment });
    const log = new CriuLog(this.#logOf(request), join(this.#place.work, 'criu-logs'));
    const { stderr, stdout, error } = await this.#run(['operate', entry.dir]);
    const ofCriu = log.close();
    const outcome = entry.result();
    if (outcome?.ok === true) return outcome.result;
    const words = `the engine: ${`${stdout}${stderr}`.trim().slice(-LAST_WORDS)}\nCRIU: ${ofCriu.slice(-LAST_WORDS)}`;
    const why = outcome === undefined ? 'it left no result' : `${outcome.reason}: ${outcome.message}`;
    throw new Error(`${why}\n${words}`, { cause: error });
  }

  /** As the engine lays it out. */
  #logOf(request: CaptureRequest | RestoreRequest): string {
    return request.operation === 'Capture'
      ? join(request.stagingDir, artifactFile.images, 'dump.log')
      : join(this.#engineWork, `restore-${request.containerId}`, 'restore.log');
  }

  get #engineWork(): string {
    return join(this.#place.work, 'engine');
  }

  async #byHand<T>(
    operation: 'capture' | 'restore',
    id: string,
    artifact: string,
    settings?: Settings,
  ): Promise<T> {
    const outcome = await this.#outcome(operation, id, artifact, settings);
    if (!outcome.ok) throw new Error(`${outcome.reason}: ${outcome.message}`);
    return outcome.result as T;
  }

  async #outcome(operation: string, id: string, artifact: string, settings?: Settings): Promise<Outcome> {
    const limit = ['--timeout', String(LIMIT_SECONDS)];
    const args = [operation, '--container', id, '--artifact', artifact, ...limit];
    return JSON.parse(await this.#print(args, settings)) as Outcome;
  }

  async #print(args: readonly string[], settings?: Settings): Promise<string> {
    const { stdout, stderr, error } = await this.#run(args, settings);
    if (stdout.startsWith('{')) return stdout;
    throw new Error(`engine ${args[0]}: ${stderr.trim().slice(-LAST_WORDS)}`, { cause: error });
  }

  /** What it says is kept. */
  #run(args: readonly string[], settings: Settings = {}): Promise<Said> {
    const { home, out } = this.#place;
    const env = {
      PATH: process.env['PATH'],
      LD_LIBRARY_PATH: process.env['LD_LIBRARY_PATH'],
      // As the agents' image has it.
      NODE_COMPILE_CACHE: join(home, 'compiled'),
      SNAPSHOT_CRIU: join(home, 'criu/criu'),
      SNAPSHOT_ENGINE: join(home, 'engine.cjs'),
      SNAPSHOT_NSRESTORE: join(home, 'nsrestore'),
      SNAPSHOT_RLIMIT_SHIM: join(home, 'rlimit-shim.so'),
      SNAPSHOT_TILE_SHIM: join(home, 'tile-shim.so'),
      SNAPSHOT_CRI_SOCKET: SOCKET,
      SNAPSHOT_WORK: this.#engineWork,
      ...engineEnvironment(this.#place),
      ...settings,
    };
    const options = { env, timeout: (LIMIT_SECONDS + MARGIN_SECONDS) * 1000, maxBuffer: 64 << 20 };
    return new Promise((resolve) =>
      execFile(
        process.execPath,
        [programOf(this.#place, 'engine.cjs'), ...args],
        options,
        (error, stdout, stderr) => {
          appendFileSync(join(out, 'engine.log'), `$ engine ${args.join(' ')}\n${stderr}${stdout}\n`);
          resolve({ stdout, stderr, error });
        },
      ),
    );
  }
}
