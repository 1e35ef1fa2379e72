/** JSON lines on stderr, all levels: stdout belongs to results. */
import { createLogger, format, transports } from 'winston';

type Fields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

const levels = ['debug', 'info', 'warn', 'error'];

export function logger(level: string, component: string): Log {
  return createLogger({
    level: levels.includes(level) ? level : 'info',
    defaultMeta: { component },
    format: format.combine(format.timestamp(), format.json()),
    transports: [new transports.Console({ stderrLevels: levels })],
  });
}

/** For tests and for programs whose caller logs. */
export const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
