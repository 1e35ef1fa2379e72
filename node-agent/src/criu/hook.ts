/**
 * CRIU's action script during a dump (criu(8), --action-script): how the engine knows CRIU's stage, works while the tree stands still,
 * and makes CRIU let go without a signal. A CRIU that is killed while its code is in a task may take the task along
 * (docs/adr/0010), but a script that fails makes it clean up and let the tree go on.
 */
import { existsSync, mkdirSync, renameSync, rmSync, watch, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';

/**
 * Leaves a mark for each stage. At post-dump every task has been dumped, the tree is still frozen and every name that CRIU linked is
 * there: it waits for the engine's answer. It fails at any stage when the dump is to stop, when the engine is gone, or when the tree has stood
 * still for as long as it may: an engine that is stuck itself, on a store that does not answer, sees no deadline and no wish to stop.
 */
const SCRIPT = `#!/bin/sh
hook=$SNAPSHOT_HOOK
: > "$hook/at-$CRTOOLS_SCRIPT_ACTION"
late() {
  [ -e "$hook/since" ] || return 1
  read -r since _ < "$hook/since"
  read -r now _ < /proc/uptime
  [ $(( \${now%.*}\${now#*.} - \${since%.*}\${since#*.} )) -gt "$SNAPSHOT_HUNDREDTHS" ] && : > "$hook/late"
}
unwanted() { [ -e "$hook/stop" ] || ! kill -0 "$SNAPSHOT_ENGINE" 2>/dev/null || late; }
[ "$CRTOOLS_SCRIPT_ACTION" != pre-dump ] || cat /proc/uptime > "$hook/since"
case $CRTOOLS_SCRIPT_ACTION in
  pre-dump|network-lock) if unwanted; then exit 1; fi ;;
  post-dump)
    : > "$hook/request"
    while [ ! -e "$hook/answer" ]; do
      if unwanted; then exit 1; fi
      sleep 0.005
    done
    read -r answer < "$hook/answer"
    [ "$answer" = ok ] ;;
esac
`;

/**
 * CRIU runs it when every task is seized and none is infected yet (criu/cr-dump.c: collect_pstree, network_lock, dump_one_task); but
 * not where the tree is in CRIU's own network namespace. Then the mark is there from the beginning.
 */
const SEIZED = 'at-network-lock';

/** How long CRIU may go on seizing once it shall stop: it gives up by itself after 10 s, unless it hangs in ptrace(2). */
export const SEIZE_PATIENCE_MS = 15_000;

/** Makes CRIU give up at its next stage. */
export function stopDump(dir: string): void {
  if (existsSync(dir)) writeFileSync(join(dir, 'stop'), '');
}

/** Whether CRIU may have code of its own in a task: then nothing may kill it. A folder that is gone says that the dump has ended. */
export const mayHaveInfected = (dir: string): boolean => existsSync(join(dir, SEIZED));

export const hookFolder = (work: string, uid: string): string => join(work, `hook-${uid}`);

export function removeHook(dir: string): void {
  if (!/^hook-[0-9a-f-]+$/.test(basename(dir)))
    throw new TerminalError('InvalidJournal', `${dir} is no folder of a hook and is not removed`);
  rmSync(dir, { recursive: true, force: true });
}

export interface HookOptions {
  /** Whether CRIU will run the script when the tree is seized. */
  readonly tells: boolean;
  /** How long the tree may stand still, from CRIU's pre-dump on. */
  readonly seconds: number;
}

export class DumpHook {
  readonly #dir: string;
  readonly #tells: boolean;
  /** What a shell can compare, as /proc/uptime has them (proc_uptime(5)): whole seconds would be a second too many. */
  readonly #hundredths: string;
  readonly #killable = new AbortController();
  #asked = false;
  #patience: NodeJS.Timeout | undefined;
  failure: unknown;

  constructor(dir: string, { tells, seconds }: HookOptions) {
    this.#dir = dir;
    this.#tells = tells;
    this.#hundredths = String(Math.floor(seconds * 100));
  }

  get script(): string {
    return join(this.#dir, 'action');
  }

  env(): Readonly<Record<string, string>> {
    const engine = String(process.pid);
    return { SNAPSHOT_HOOK: this.#dir, SNAPSHOT_ENGINE: engine, SNAPSHOT_HUNDREDTHS: this.#hundredths };
  }

  /** The tree stood still for as long as it may, and goes on. */
  get late(): boolean {
    return existsSync(join(this.#dir, 'late'));
  }

  /** Aborted where CRIU does not end though it shall, and killing it harms nobody. */
  get killable(): AbortSignal {
    return this.#killable.signal;
  }

  /** Answers with what `whileFrozen` does, until the returned function is called. */
  open(whileFrozen: () => Promise<void>, signal: AbortSignal): () => void {
    rmSync(this.#dir, { recursive: true, force: true });
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    writeFileSync(this.script, SCRIPT, { mode: 0o700 });
    if (!this.#tells) writeFileSync(join(this.#dir, SEIZED), '');
    const watcher = watch(this.#dir, () => void this.#answer(whileFrozen));
    const stop = () => this.#stop();
    signal.addEventListener('abort', stop, { once: true });
    return () => {
      watcher.close();
      clearTimeout(this.#patience);
      signal.removeEventListener('abort', stop);
      removeHook(this.#dir);
    };
  }

  #stop(): void {
    stopDump(this.#dir);
    this.#patience = setTimeout(() => {
      if (!mayHaveInfected(this.#dir)) this.#killable.abort();
    }, SEIZE_PATIENCE_MS);
  }

  async #answer(whileFrozen: () => Promise<void>): Promise<void> {
    if (this.#asked || !existsSync(join(this.#dir, 'request'))) return;
    this.#asked = true;
    try {
      await whileFrozen();
      this.#say('ok');
    } catch (error) {
      this.failure = error;
      this.#say(`failed: ${explain(error)}`);
    }
  }

  /** As a whole or not at all. CRIU may have ended meanwhile, and the folder with it. */
  #say(answer: string): void {
    if (!existsSync(this.#dir)) return;
    writeFileSync(join(this.#dir, 'answer.tmp'), `${answer}\n`);
    renameSync(join(this.#dir, 'answer.tmp'), join(this.#dir, 'answer'));
  }
}
