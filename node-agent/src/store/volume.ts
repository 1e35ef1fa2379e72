/**
 * Whether the store is still the volume that was mounted when the agent started. Where it has gone, the empty folder below it shows: what
 * is deleted there would seem deleted, and what is written there is lost. Only a new container mounts the volume anew.
 */
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const EVERY_MS = 2000;
/** A server that is away for a moment is no volume that has gone. */
const GONE_TIMES = 3;
/** A file server that is gone may let us wait for ever. */
const ANSWER_MS = 5000;

export class StoreVolume {
  readonly #dir: string;
  /** Undefined where there was none. */
  readonly device: number | undefined;
  /** One question at a time: each that hangs holds a thread. */
  #asked: Promise<number | undefined> | undefined;

  private constructor(dir: string, device: number | undefined) {
    this.#dir = dir;
    this.device = device;
  }

  static async mountedAt(dir: string): Promise<StoreVolume> {
    return new StoreVolume(dir, await deviceOf(dir));
  }

  async isThere(): Promise<boolean> {
    return (await this.#look()) === 'there';
  }

  async #look(): Promise<'there' | 'gone' | 'silent'> {
    this.#asked ??= deviceOf(this.#dir).finally(() => (this.#asked = undefined));
    const late = new AbortController();
    const silence = delay(ANSWER_MS, 'silent' as const, { signal: late.signal, ref: false });
    silence.catch(() => undefined); // when it has answered
    const device = await Promise.race([this.#asked, silence]);
    late.abort();
    if (device === 'silent') return device;
    return device === this.device ? 'there' : 'gone';
  }

  /** Settles when it has been gone several times in a row. One that does not answer comes back by itself, or not; a new mount would not help. */
  lost(everyMs = EVERY_MS): Promise<void> {
    let gone = 0;
    return new Promise((resolve) => {
      const look = async () => {
        gone = (await this.#look()) === 'gone' ? gone + 1 : 0;
        if (gone >= GONE_TIMES) return resolve();
        setTimeout(() => void look(), everyMs).unref();
      };
      void look();
    });
  }
}

/** Undefined where there is nothing, or nothing that answers. */
const deviceOf = (dir: string): Promise<number | undefined> =>
  stat(dir).then(
    ({ dev }) => dev,
    () => undefined,
  );
