/** The assignments whose container has not started yet: looked at when the runtime says that one is made or starts, and now and then. */
import type { AssignmentSpec } from '@dynamo-snapshot/api/assignment';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { ReadyEngines } from '../journal/ready';
import type { First, StartedContainer } from '../runtime/starts';

/** Of the runtime; loaded when it is first needed: an agent that has nothing to do is small. */
export interface RuntimeWatch {
  readonly firstContainer: (podUid: string, name: string) => Promise<First>;
  /** Returns what ends it. */
  readonly followStarts: (told: () => void, ended: (error: Error) => void) => Promise<() => void>;
}

/** Where the runtime tells nothing. */
const LOOK_AGAIN_MS = 1000;
/** The event of the start comes a little before the runtime's own list has it. */
const SOON_MS = 20;

export interface Wait {
  readonly waitMs: number;
}

export class Awaited {
  readonly #runtime: RuntimeWatch;
  readonly #wake: (key: string) => void;
  readonly #keys = new Set<string>();
  readonly #ready: Pick<ReadyEngines, 'start' | 'drop'>;
  #stop: Promise<() => void> | undefined;

  constructor(
    runtime: RuntimeWatch,
    ready: Pick<ReadyEngines, 'start' | 'drop'>,
    wake: (key: string) => void,
  ) {
    this.#runtime = runtime;
    this.#ready = ready;
    this.#wake = wake;
  }

  /**
   * The container that the assignment waits for, or how long to wait until the next look; undefined where it names one. Throws
   * ContainerGone where the first one has run already.
   */
  async look(key: string, { pod, container }: AssignmentSpec): Promise<StartedContainer | Wait | undefined> {
    if (pod === undefined || container === undefined || container.id !== undefined) return undefined;
    // Before the look: what starts after it is told.
    await this.#add(key);
    const first = await this.#runtime.firstContainer(pod.uid, container.name);
    // Its own container follows, most often within a second.
    if (first === 'near' || first === 'about to') this.#ready.start(key);
    if (first === 'not yet' || first === 'near') return { waitMs: LOOK_AGAIN_MS };
    if (first === 'about to') return { waitMs: SOON_MS };
    this.#remove(key);
    if (first !== 'over') return first;
    throw new TerminalError('ContainerGone', `the first container ${container.name} has ended already`);
  }

  async #add(key: string): Promise<void> {
    this.#keys.add(key);
    // Begun anew with the next look where it has ended.
    this.#stop ??= this.#runtime.followStarts(
      () => this.#wakeAll(),
      () => (this.#stop = undefined),
    );
    await this.#stop;
  }

  /** Nobody waits for it any more. */
  delete(key: string): void {
    this.#ready.drop(key);
    this.#remove(key);
  }

  #remove(key: string): void {
    this.#keys.delete(key);
    if (this.#keys.size > 0 || this.#stop === undefined) return;
    void this.#stop.then((stop) => stop());
    this.#stop = undefined;
  }

  #wakeAll(): void {
    for (const key of this.#keys) this.#wake(key);
  }
}
