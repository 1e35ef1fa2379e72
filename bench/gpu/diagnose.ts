/** What a person needs to see when a step fails or runs into its limit: the logs' ends, and how the processes stand. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Place } from './place';
import { say } from './say';
import type { Running } from './worker';
import { treeOf } from './worker';

const LINES = 25;
/** Of a command line. */
const MOST_WORDS = 200;

export function diagnose(place: Place, worker: Running): void {
  for (const file of logs(place)) say(file, `\n${tail(file)}`);
  for (const pid of treeOf(worker)) {
    tellProcess(pid);
    for (const tid of entries(`/proc/${pid}/task`))
      say(
        `  thread ${tid}`,
        `${textOf(`/proc/${pid}/task/${tid}/wchan`)} ${textOf(`/proc/${pid}/task/${tid}/stack`).split('\n')[0]}`,
      );
  }
}

export function tellProcess(pid: number): void {
  const read = (name: string) => textOf(`/proc/${pid}/${name}`);
  const state = /^State:.*$/m.exec(read('status'))?.[0];
  say(`process ${pid}`, `${state} ${read('cmdline').replaceAll('\0', ' ').slice(0, MOST_WORDS)}`);
}

const logs = (place: Place): readonly string[] => [
  join(place.work, 'restore/restore.log'),
  ...entries(place.images).map((dir) => join(place.images, dir, artifactFile.images, 'dump.log')),
];

/** The end of a log, or nothing. */
export const tail = (file: string, lines = LINES): string =>
  textOf(file).trim().split('\n').slice(-lines).join('\n');

function textOf(file: string): string {
  try {
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  } catch {
    return '';
  }
}

function entries(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
