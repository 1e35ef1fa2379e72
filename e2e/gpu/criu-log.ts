/** CRIU's log under a second name: when it has failed, the engine takes the first one away. */
import { existsSync, linkSync, mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { tail } from '../../bench/gpu/diagnose';

const LOOK_MS = 20;

export class CriuLog {
  readonly #log: string;
  readonly #kept: string;
  readonly #timer: NodeJS.Timeout;

  /** `keep` is a folder on the same file system. Nobody tells when CRIU begins to write. */
  constructor(log: string, keep: string) {
    mkdirSync(keep, { recursive: true });
    this.#log = log;
    this.#kept = join(keep, `${basename(dirname(log))}-${basename(log)}`);
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** Its end, in as many words as fit. */
  close(): string {
    this.#look();
    clearInterval(this.#timer);
    return tail(this.#kept);
  }

  #look(): void {
    if (existsSync(this.#kept) || !existsSync(this.#log)) return;
    try {
      linkSync(this.#log, this.#kept);
    } catch (error) {
      // It has just gone.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}
