/** The placeholder's standard streams, to be handed over to what is restored. */
import { constants, openSync } from 'node:fs';

/**
 * A pipe is opened for its direction, a terminal for both: restored from a write-only one, the program sees the end of its input at
 * the first read. Whatever cannot be opened is not handed over.
 */
export const openStdio = (path: string, n: number, isTerminal: boolean): number => {
  const direction = n === 0 ? constants.O_RDONLY : constants.O_WRONLY;
  try {
    return openSync(path, (isTerminal ? constants.O_RDWR : direction) | constants.O_NOCTTY);
  } catch {
    return openSync('/dev/null', constants.O_RDWR);
  }
};
