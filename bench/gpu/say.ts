/** One line a fact, with the seconds since the start. */
export const say = (what: string, text: string): void =>
  console.log(`[${(performance.now() / 1000).toFixed(1).padStart(6)}] ${what}: ${text}`);

/** What a case has found until now; the last one counts, also where the case is cut off. */
export const soFar = (result: unknown): void => console.log(`RESULT ${JSON.stringify(result)}`);
