/** Finds objects of a cache by something else than their key, without looking at each of them. Kept by an informer. */
import type { Change, Watched } from './watched';
import { keyOf } from './watched';

/** What reconcilers see of a lookup. */
export interface Find<T> {
  get(term: string): readonly T[];
}

export class Lookup<T extends Watched> implements Find<T> {
  readonly #termsOf: (object: T) => readonly string[];
  readonly #byTerm = new Map<string, Map<string, T>>();
  /** Under which terms an object is known: its next version may have others. */
  readonly #terms = new Map<string, readonly string[]>();

  constructor(termsOf: (object: T) => readonly string[]) {
    this.#termsOf = termsOf;
  }

  get(term: string): readonly T[] {
    return [...(this.#byTerm.get(term)?.values() ?? [])];
  }

  see(change: Change, object: T): void {
    const key = keyOf(object);
    for (const term of this.#terms.get(key) ?? []) this.#forget(term, key);
    this.#terms.delete(key);
    if (change === 'DELETED') return;
    const terms = this.#termsOf(object);
    this.#terms.set(key, terms);
    for (const term of terms) this.#under(term).set(key, object);
  }

  #under(term: string): Map<string, T> {
    const found = this.#byTerm.get(term) ?? new Map<string, T>();
    this.#byTerm.set(term, found);
    return found;
  }

  #forget(term: string, key: string): void {
    const found = this.#byTerm.get(term);
    found?.delete(key);
    if (found?.size === 0) this.#byTerm.delete(term);
  }
}
