/**
 * One folder of the journal is one operation: what was asked (`operation.json`), who does it (`process.json`), how far it is
 * (`status.json`), what must be taken back (`undo.ndjson`, written before it is done), that it must stop (`cancel`), how it ended
 * (`result.json`). What a crash of the machine must not take is synced, with the folder that names it, before the next thing is done;
 * status and the wish to stop are not: they are written again.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Progress } from '@dynamo-snapshot/api/progress';
import type { Timing } from '@dynamo-snapshot/api/schema';
import type { Outcome, Request } from '../engine';
import type { ProcessRef } from '../linux/ids';
import type { UndoStep } from './step';

export const entryFile = {
  operation: 'operation.json',
  process: 'process.json',
  status: 'status.json',
  undo: 'undo.ndjson',
  result: 'result.json',
  cancel: 'cancel',
  output: 'output.log',
} as const;

export interface OperationFile {
  readonly request: Request;
  /** Epoch milliseconds. */
  readonly deadline: number;
  readonly assignment: { readonly namespace: string; readonly name: string; readonly uid: string };
}

export interface StatusFile {
  readonly progress: Progress;
  readonly timings: readonly Timing[];
}

/** Why a running operation must stop; the operation ends with this reason. */
export interface StopMark {
  readonly reason: 'Cancelled' | 'DeadlineExceeded';
  readonly message: string;
}

/** Replaces the file as a whole; readers see the old one or the new one. */
function writeWhole(file: string, value: unknown, durable: boolean): void {
  const part = `${file}.tmp`;
  const fd = openSync(part, 'w', 0o600);
  try {
    writeFileSync(fd, JSON.stringify(value));
    if (durable) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(part, file);
  if (durable) syncFolder(dirname(file));
}

function syncFolder(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Undefined where it is absent or cannot be read as JSON: a status or a wish to stop is written again, and without a process or a
 * result, the operation is settled by what it has written down before.
 */
function readWhole<T>(file: string): T | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as T | null) ?? undefined;
  } catch {
    return undefined;
  }
}

function parseStep(line: string): UndoStep[] {
  try {
    return [JSON.parse(line) as UndoStep];
  } catch {
    return [];
  }
}

export class JournalEntry {
  readonly dir: string;
  constructor(dir: string) {
    this.dir = dir;
  }

  create(operation: OperationFile): void {
    mkdirSync(this.dir, { recursive: true, mode: 0o700 });
    writeWhole(this.#path('operation'), operation, true);
    syncFolder(dirname(this.dir));
  }

  /** Of the assignment; also the name of its cgroup. */
  get uid(): string {
    return basename(this.dir);
  }

  get exists(): boolean {
    return existsSync(this.#path('operation'));
  }

  /** Undefined where it cannot be read: nobody knows then what was asked, but what was done can be taken back all the same. */
  asked(): OperationFile | undefined {
    const file = readWhole<Partial<OperationFile>>(this.#path('operation'));
    const { request, assignment, deadline } = file ?? {};
    const isWhole = request !== undefined && assignment !== undefined && deadline !== undefined;
    return isWhole ? { request, assignment, deadline } : undefined;
  }

  operation(): OperationFile {
    const asked = this.asked();
    if (asked === undefined)
      throw new Error(`journal file ${this.#path('operation')} cannot be read as an operation`);
    return asked;
  }

  writeProcess(ref: ProcessRef): void {
    writeWhole(this.#path('process'), ref, true);
  }

  process(): ProcessRef | undefined {
    return readWhole<ProcessRef>(this.#path('process'));
  }

  writeStatus(status: StatusFile): void {
    writeWhole(this.#path('status'), status, false);
  }

  status(): StatusFile | undefined {
    return readWhole<StatusFile>(this.#path('status'));
  }

  writeResult(outcome: Outcome): void {
    writeWhole(this.#path('result'), outcome, true);
  }

  result(): Outcome | undefined {
    return readWhole<Outcome>(this.#path('result'));
  }

  /** Durable before it returns: only then may the step be done. */
  appendUndo(step: UndoStep): void {
    const isNew = !existsSync(this.#path('undo'));
    const fd = openSync(this.#path('undo'), 'a', 0o600);
    try {
      // Begins with a newline: a torn line before it stays alone.
      // Of a disk that is nearly full one write may take a part only, and say so by its count: this one goes on, or throws.
      writeFileSync(fd, `\n${JSON.stringify(step)}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    if (isNew) syncFolder(this.dir);
  }

  /** Oldest first. A line that was torn by a crash was not acted on yet, and is left out. */
  undoSteps(): readonly UndoStep[] {
    const file = this.#path('undo');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8').split('\n').flatMap(parseStep);
  }

  askToStop(mark: StopMark): void {
    writeWhole(this.#path('cancel'), mark, false);
  }

  stopMark(): StopMark | undefined {
    return readWhole<StopMark>(this.#path('cancel'));
  }

  #path(file: keyof typeof entryFile): string {
    return join(this.dir, entryFile[file]);
  }
}
