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

export class Report {
  readonly #checks: Check[] = [];

  readonly #out: string;

  constructor(out: string) {
    this.#out = out;
  }

  /** A check that fails ends the rest, which would stand on it. Returns what it has seen. */
  async check<T>(name: string, look: () => Promise<T> | T): Promise<T> {
    const from = performance.now();
    try {
      const seen = await look();
      this.#add({ name, ok: true, seconds: since(from), seen });
      return seen;
    } catch (error) {
      this.#add({ name, ok: false, seconds: since(from), seen: explain(error) });
      throw new CheckFailed(name, { cause: error });
    }
  }

  /** Something broke outside of a check. */
  broke(what: string, error: unknown): void {
    if (!(error instanceof CheckFailed))
      this.#add({ name: what, ok: false, seconds: 0, seen: explain(error) });
  }

  get passed(): boolean {
    return this.#checks.length > 0 && this.#checks.every(({ ok }) => ok);
  }

  summary(): string {
    const passed = this.#checks.filter(({ ok }) => ok).length;
    return `${passed} passed, ${this.#checks.length - passed} failed`;
  }

  #add(check: Check): void {
    this.#checks.push(check);
    const seen = typeof check.seen === 'string' ? check.seen : JSON.stringify(check.seen);
    console.log(`${check.ok ? 'ok  ' : 'FAIL'} ${check.name} (${check.seconds} s): ${seen ?? ''}`);
    writeFileSync(join(this.#out, 'results.json'), JSON.stringify(this.#checks, undefined, 1));
  }
}

class CheckFailed extends Error {}

const since = (from: number): number => Math.round((performance.now() - from) / 100) / 10;

export function must(claim: boolean, otherwise: string): asserts claim {
  if (!claim) throw new Error(otherwise);
}
