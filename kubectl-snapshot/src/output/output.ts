/** Where a command writes, and what that place can show: colours and bars only on a terminal, and none where NO_COLOR is set. */
import type { Colors } from 'picocolors/types';
import { createLogUpdate } from 'log-update';
import picocolors from 'picocolors';

/** Lines that change in place on a terminal. Elsewhere only what is new is written, a line each. */
export interface Live {
  /** `lines` for a terminal; `told` for a log: those that were not told yet. */
  draw(lines: readonly string[], told: readonly string[]): void;
  /** What stands there stays. */
  done(): void;
}

export interface Output {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Of the terminal; 80 where there is none. */
  readonly columns: number;
  readonly colours: Colors;
  live(): Live;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** https://no-color.org: set and not empty. */
const wantsColour = (isTerminal: boolean, env: Environment): boolean =>
  isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';

export function outputOf(stream: NodeJS.WriteStream, env: Environment): Output {
  const isTerminal = stream.isTTY === true;
  return {
    write: (text) => void stream.write(text),
    isTerminal,
    get columns() {
      return stream.columns ?? 80;
    },
    colours: picocolors.createColors(wantsColour(isTerminal, env)),
    live: () => (isTerminal ? onTerminal(stream) : plainLive((line) => void stream.write(`${line}\n`))),
  };
}

export const say = (output: Output, line: string): void => output.write(`${line}\n`);

function onTerminal(stream: NodeJS.WriteStream): Live {
  const draw = createLogUpdate(stream);
  return { draw: (lines) => draw(lines.join('\n')), done: () => draw.done() };
}

export function plainLive(write: (line: string) => void): Live {
  const told = new Set<string>();
  return {
    draw: (_, lines) => {
      for (const line of lines.filter((l) => !told.has(l))) {
        told.add(line);
        write(line);
      }
    },
    done: () => {},
  };
}
