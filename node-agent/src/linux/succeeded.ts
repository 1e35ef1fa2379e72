/** What a native function has answered. */
import koffi from 'koffi';

/** Throws with the error's number where the answer is negative. To be asked before another native function is called. */
export function succeeded(doing: string, result: number | bigint): number {
  if (Number(result) < 0) throw new Error(`${doing}: errno ${koffi.errno()}`);
  return Number(result);
}
