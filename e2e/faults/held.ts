/** Stops an operation exactly at a step, by watching its journal entry from outside; nothing in the product knows of it. */
import type { FSWatcher } from 'node:fs';
import { existsSync, readFileSync, readlinkSync, watch } from 'node:fs';
import { join } from 'node:path';
import { poll } from '../cluster/poll';
import type { ProcessId } from '../cluster/process';
import { identify, signalProcess } from '../cluster/process';
import type { FaultNode } from './node';
import { filesIn, pidsIn, processesOf, readOr } from './node';
import type { Operation } from './plan';
import { statusStep, statusSteps } from './plan';
import { throttle } from './throttle';

export interface Held {
  readonly uid: string;
  readonly entry: string;
  readonly engine: ProcessId;
  /** Lets it run again, unless it is dead. */
  readonly release: () => Promise<void>;
}

interface Status {
  readonly progress: { readonly step: string };
}

const read = <T>(file: string): T | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    return undefined; // not there yet, or gone
  }
};

/** The operation went past its step before it could be stopped there; nothing was done to it. */
export class Missed extends Error {}

/** One that fails though nothing was done to it is no miss of ours. */
export const endedBefore = (what: string, result: Ended, slowed = false): Error =>
  result.ok || (slowed && result.reason === 'DeadlineExceeded')
    ? new Missed(what)
    : new Error(`${what}: ${JSON.stringify(result)}`);

interface Ended {
  readonly ok: boolean;
  readonly reason?: string;
}

/** Steps that last long enough to be met at full speed. All others are over in milliseconds. */
const LONG = ['dump', 'head start', 'frozen', 'restore'];
const EVERY_MS = 2;
const PAGEMAP = /\/\d+\/pagemap$/;

/** Waits for the next operation of that kind on the node to be at the step. Call before the operation is asked for. */
export function holdAt(node: FaultNode, operation: Operation, step: string, seconds: number): Promise<Held> {
  const known = new Set(filesIn(node.journal));
  return new Promise((resolve, reject) => {
    const hunt = new Hunt(node, operation, step, known);
    const timer = setInterval(() => void look(), EVERY_MS);
    const limit = setTimeout(
      () => fail(new Error(`no ${operation} came to ${step} in ${seconds} s`)),
      seconds * 1000,
    );
    const watcher: FSWatcher = watch(node.journal, () => void look());
    let busy = false;
    const end = (how: () => void) => {
      clearInterval(timer);
      clearTimeout(limit);
      watcher.close();
      how();
    };
    const fail = (error: Error) => end(() => void hunt.letGo().then(() => reject(error)));
    const look = async () => {
      if (busy) return;
      busy = true;
      try {
        const held = await hunt.look();
        if (held !== undefined) end(() => resolve(held));
      } catch (error) {
        fail(error as Error);
      } finally {
        busy = false;
      }
    };
  });
}

class Hunt {
  #uid: string | undefined;
  #engine: ProcessId | undefined;
  #fullSpeed: (() => void) | undefined;
  #sawHook = false;
  readonly #node: FaultNode;
  readonly #operation: Operation;
  readonly #step: string;
  readonly #known: ReadonlySet<string>;

  constructor(node: FaultNode, operation: Operation, step: string, known: ReadonlySet<string>) {
    this.#node = node;
    this.#operation = operation;
    this.#step = step;
    this.#known = known;
  }

  async look(): Promise<Held | undefined> {
    this.#uid ??= this.#find();
    const uid = this.#uid;
    if (uid === undefined) return undefined;
    const entry = join(this.#node.journal, uid);
    const result = read<Ended>(join(entry, 'result.json'));
    const slowed = this.#fullSpeed !== undefined;
    if (result !== undefined)
      throw endedBefore(`${this.#operation} ended before ${this.#step}`, result, slowed);
    this.#engine ??= await this.#findEngine(entry, uid);
    if (this.#engine === undefined) return undefined;
    if (this.#mayThrottle(entry)) this.#fullSpeed ??= throttle(this.#node.operationGroups(uid));
    if (!this.#reached(entry)) return undefined;
    await stop(this.#engine);
    const step = this.#now(entry) ?? 'nothing';
    if (step !== statusStep(this.#step)) throw new Missed(`stopped at ${step}, not at ${this.#step}`);
    if (this.#step === 'head start' && !this.#engineHas(PAGEMAP)) throw new Missed('the head start was over');
    return { uid, entry, engine: this.#engine, release: () => this.letGo() };
  }

  #now = (entry: string): string | undefined => read<Status>(join(entry, 'status.json'))?.progress.step;

  #find(): string | undefined {
    return filesIn(this.#node.journal)
      .filter((uid) => !this.#known.has(uid))
      .find((uid) => {
        const file = read<{ request: { operation: string } }>(
          join(this.#node.journal, uid, 'operation.json'),
        );
        return file?.request.operation === this.#operation;
      });
  }

  async #findEngine(entry: string, uid: string): Promise<ProcessId | undefined> {
    const pid = read<{ pid: number }>(join(entry, 'process.json'))?.pid;
    const [group] = this.#node.operationGroups(uid);
    if (pid === undefined || group === undefined) return undefined;
    return this.#node.process(pid, await processesOf(group));
  }

  /** From the step before a short one on, and not while a source stands still, but for the head start, which is over within milliseconds. */
  #mayThrottle(entry: string): boolean {
    if (this.#step === 'head start') return this.#isSeized();
    if (LONG.includes(this.#step)) return false;
    const now = this.#now(entry);
    const order = statusSteps(this.#operation);
    const before = order.indexOf(this.#step) - 1;
    if (now === undefined) return before < 0 && this.#hasBegun();
    if (now === 'dump') return this.#step === 'store' && this.#dumpIsOver();
    return order.indexOf(now) >= before;
  }

  /** It watches its entry right before its first step. */
  #hasBegun(): boolean {
    return this.#engineHas(/^anon_inode:inotify$/);
  }

  /** Among its open files. */
  #engineHas(name: RegExp): boolean {
    const fds = `/proc/${this.#engine?.pid}/fd`;
    const target = (fd: string): string => {
      try {
        return readlinkSync(join(fds, fd));
      } catch {
        return ''; // it was just closed
      }
    };
    return filesIn(fds).some((fd) => name.test(target(fd)));
  }

  /** The folder of CRIU's script has come and gone; the step itself ends a little later. */
  #dumpIsOver(): boolean {
    const isThere = filesIn(this.#node.work).some((name) => name.startsWith('hook-'));
    this.#sawHook ||= isThere;
    return this.#sawHook && !isThere;
  }

  #reached(entry: string): boolean {
    if (this.#step === 'frozen') return this.#hookAsked();
    if (this.#step === 'head start') return this.#copiesEarly();
    return this.#now(entry) === this.#step;
  }

  /** CRIU has every task and still lists their pages, and the engine reads which there are (node-agent: memory/early.ts). */
  #copiesEarly(): boolean {
    if (this.#hookAsked()) throw new Missed('CRIU had listed all pages');
    return this.#isSeized() && this.#engineHas(PAGEMAP);
  }

  #isSeized(): boolean {
    return this.#hookHas('at-network-lock');
  }

  /** CRIU's script has handed over to the engine (node-agent: criu/hook.ts). */
  #hookAsked(): boolean {
    return this.#hookHas('request');
  }

  #hookHas(mark: string): boolean {
    return filesIn(this.#node.work).some((name) => existsSync(join(this.#node.work, name, mark)));
  }

  /** Back to full speed; a process that was stopped goes on. */
  async letGo(): Promise<void> {
    this.#fullSpeed?.();
    await signalProcess(this.#engine, 'SIGCONT');
  }
}

/** Returns when it stands still. */
async function stop(engine: ProcessId): Promise<void> {
  await signalProcess(engine, 'SIGSTOP');
  const standsStill = () => Promise.resolve(/^\S+ \(.*\) [TZX]/s.test(readOr(`/proc/${engine.pid}/stat`)));
  await poll(standsStill, { limitMs: 1000, everyMs: EVERY_MS });
}

/** The operation has ended by itself, or its entry is gone. */
export const ended = ({ entry }: Held, limitMs = 20_000): Promise<boolean> =>
  poll(() => Promise.resolve(!existsSync(entry) || existsSync(join(entry, 'result.json'))), {
    limitMs,
    everyMs: 50,
  });

/** Waits for a process that is not there yet; the first that fits is taken at once. With no time to wait it must be there. */
export async function awaitProcess(
  groups: readonly string[],
  fits: (pid: number) => boolean,
  limitMs: number,
): Promise<ProcessId | undefined> {
  let found: ProcessId | undefined;
  const look = async () => {
    const pid = [...new Set(groups.flatMap(pidsIn))].find(fits);
    found = pid === undefined ? undefined : await identify(pid);
    return found !== undefined && fits(found.pid);
  };
  return (await poll(look, { limitMs, everyMs: EVERY_MS })) ? found : undefined;
}
