/** Two kinds of errors: a plain Error is retried with back-off, a TerminalError ends the work with a reason a person reads. */

export class TerminalError extends Error {
  /** UpperCamel; becomes the reason of a condition or event. */
  readonly reason: string;
  constructor(reason: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'TerminalError';
    this.reason = reason;
  }
}

/** Runs `work`; what it throws is wrapped with what was being done, and stays terminal if it was. */
export async function during<T>(doing: string, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const message = `${doing}: ${explain(cause)}`;
    if (cause instanceof TerminalError) throw new TerminalError(cause.reason, message, { cause });
    throw new Error(message, { cause });
  }
}

/** One line for a person: the message of an error, of each error of an AggregateError, or the thing itself. */
export function explain(error: unknown): string {
  if (error instanceof AggregateError)
    return [error.message, ...error.errors.map(explain)].filter(Boolean).join('; ');
  if (error instanceof Error) return error.message || error.name;
  return String(error);
}

/** The reason to show for an error that ends the work; `fallback` where it was not a TerminalError. */
export function reasonOf(error: unknown, fallback: string): string {
  return error instanceof TerminalError ? error.reason : fallback;
}

/** Says that a switch over a closed union has forgotten a case: a compile error, and a clear one at run time. */
export function unreachable(value: never): never {
  throw new Error(`unhandled case ${JSON.stringify(value)}`);
}
