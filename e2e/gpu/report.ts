/** One line a check, with what was seen; everything again as JSON, after each check, so that what is cut off is not lost. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explain } from '@dynamo-snapshot/api/errors';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly seconds: number;
  readonly seen: unknown;
}

/** Of a reason, in the summary. */
const MOST_WORDS = 3000;

export class Report {
  readonly #checks: Check[] = [];

  readonly #out: string;
  #stopped: string | undefined;

  constructor(out: string) {
    this.#out = out;
  }

  /** A check that fails ends the rest, which would stand on it. Returns what it has seen; `tell` says it in short. */
  async check<T>(
    name: string,
    look: () => Promise<T> | T,
    tell: (seen: T) => string | undefined = (seen) =>
      typeof seen === 'string' ? seen : JSON.stringify(seen),
  ): Promise<T> {
    const from = performance.now();
    try {
      if (this.#stopped !== undefined) throw new Error(this.#stopped);
      const seen = await look();
      this.#add({ name, ok: true, seconds: since(from), seen }, tell(seen));
      return seen;
    } catch (error) {
      this.#add({ name, ok: false, seconds: since(from), seen: explain(error) }, explain(error));
      throw new CheckFailed(name, { cause: error });
    }
  }

  /** Something broke outside of a check. */
  broke(what: string, error: unknown): void {
    if (error instanceof CheckFailed) return;
    this.#add({ name: what, ok: false, seconds: 0, seen: explain(error) }, explain(error));
  }

  /** Of what is looked at in any case. */
  told(name: string, ok: boolean, otherwise: string): void {
    this.#add({ name, ok, seconds: 0, seen: ok ? '' : otherwise }, ok ? undefined : otherwise);
  }

  /** No check is begun any more. */
  stop(because: string): void {
    this.#stopped = because;
  }

  get passed(): boolean {
    return this.#checks.length > 0 && this.#checks.every(({ ok }) => ok);
  }

  /** With what has failed once more: the end of a log is what is looked at. */
  summary(): string {
    const failed = this.#checks.filter(({ ok }) => !ok);
    const lines = failed.map(({ name, seen }) => `FAIL ${name}: ${String(seen).slice(0, MOST_WORDS)}`);
    return [...lines, `${this.#checks.length - failed.length} passed, ${failed.length} failed`].join('\n');
  }

  #add(check: Check, told: string | undefined): void {
    this.#checks.push(check);
    console.log(`${check.ok ? 'ok  ' : 'FAIL'} ${check.name} (${check.seconds} s)${told ? `: ${told}` : ''}`);
    writeFileSync(join(this.#out, 'results.json'), JSON.stringify(this.#checks, undefined, 1));
  }
}

class CheckFailed extends Error {}

const since = (from: number): number => Math.round((performance.now() - from) / 100) / 10;

/** Of a figure. */
export const secondsSince = (from: number): number => Math.round((performance.now() - from) / 10) / 100;

export function must(claim: boolean, otherwise: string): asserts claim {
  if (!claim) throw new Error(otherwise);
}
