/** Whatever must be taken back is pushed here the moment it is done; the last thing done is the first undone. */

interface Entry {
  readonly name: string;
  readonly run: () => Promise<void> | void;
}

export class Undo {
  readonly #entries: Entry[] = [];

  push(name: string, run: () => Promise<void> | void): void {
    this.#entries.push({ name, run });
  }

  /** The work is done for good: nothing is taken back any more. */
  commit(): void {
    this.#entries.length = 0;
  }

  /** Takes everything back; one failure does not stop the others. Throws one AggregateError that names each that failed. */
  async rollback(): Promise<void> {
    const failures: Error[] = [];
    for (let entry = this.#entries.pop(); entry !== undefined; entry = this.#entries.pop()) {
      const { name, run } = entry;
      try {
        await run();
      } catch (cause) {
        failures.push(
          new Error(`undo "${name}": ${cause instanceof Error ? cause.message : String(cause)}`, { cause }),
        );
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be taken back');
  }
}
