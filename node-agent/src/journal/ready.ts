/**
 * Engines that are started while the container is still being made, and wait to be told their journal entry: to start takes longer than
 * most steps of a restore. They live in the agent's own cgroup and end with it; one that is told joins the groups of its operation.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explain } from '@dynamo-snapshot/api/errors';
import type { ProcessRef } from '../linux/ids';
import { isAlive, processRef } from '../linux/proc';
import type { JournalEntry } from './entry';
import { entryFile } from './entry';

/** Each is as large as an agent. */
const MOST = 4;

export class ReadyEngines {
  readonly #argv: readonly string[] | undefined;
  readonly #waiting = new Map<string, ChildProcess>();

  /** e.g. [node, engine.cjs, ready]; without a command, none is started. */
  constructor(argv: readonly string[] | undefined) {
    this.#argv = argv;
  }

  /** At most one for each key; none where there are too many, which costs nothing but time. */
  start(key: string): void {
    if (this.#argv === undefined || this.#waiting.has(key) || this.#waiting.size >= MOST) return;
    const [file = '', ...args] = this.#argv;
    const child = spawn(file, args, { detached: true, stdio: ['pipe', 'ignore', 'inherit'] });
    const gone = () => {
      if (this.#waiting.get(key) === child) this.#waiting.delete(key);
    };
    child.on('error', gone);
    child.on('exit', gone);
    child.stdin.on('error', gone);
    child.unref();
    this.#waiting.set(key, child);
  }

  /** It is the caller's from now on. */
  take(key: string): ReadyEngine | undefined {
    const child = this.#waiting.get(key);
    this.#waiting.delete(key);
    const ref = child?.pid === undefined ? undefined : processRef(child.pid);
    return child === undefined || ref === undefined || !isAlive(ref)
      ? undefined
      : new ReadyEngine(child, ref);
  }

  /** What hears nothing more ends by itself. */
  drop(key: string): void {
    this.#waiting.get(key)?.stdin?.end();
    this.#waiting.delete(key);
  }
}

export class ReadyEngine {
  readonly ref: ProcessRef;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, ref: ProcessRef) {
    this.#child = child;
    this.ref = ref;
  }

  /**
   * From then on it outlives the agent. False where it cannot join the groups; it has begun nothing then, and ends. Why is in the operation's
   * output.
   */
  begin(entry: JournalEntry, groups: readonly string[], onExit: () => void): boolean {
    try {
      for (const dir of groups) writeFileSync(join(dir, 'cgroup.procs'), String(this.ref.pid));
      entry.writeProcess(this.ref);
      this.#child.on('exit', onExit);
      this.#child.stdin?.end(`${entry.dir}\n`);
      return true;
    } catch (error) {
      this.#child.stdin?.end();
      const output = join(entry.dir, entryFile.output);
      appendFileSync(output, `the engine that was ready is not used: ${explain(error)}\n`, { mode: 0o600 });
      return false;
    }
  }
}
