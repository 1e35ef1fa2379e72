/**
 * All entries, as an agent finds them when it starts. What is no entry is said, and stops nothing else. One that cannot be read is settled
 * like any other, by its name and by what it has written down of its steps; then it is kept for a person, under another name.
 */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UID } from '@dynamo-snapshot/api/layout';
import type { Log } from '@dynamo-snapshot/controller/log';
import { JournalEntry } from './entry';

export interface Begun {
  /** `namespace/name` of the assignment; undefined where the entry cannot be read. */
  readonly key: string | undefined;
  readonly uid: string;
  readonly entry: JournalEntry;
}

export const readJournal = (dir: string, log: Log): readonly Begun[] =>
  readdirSync(dir).flatMap((name) => readEntry(dir, name, log));

function readEntry(dir: string, uid: string, log: Log): readonly Begun[] {
  const path = join(dir, uid);
  if (isUnreadable(uid)) {
    log.warn(`${path} could not be read by an agent before; remove it when nobody needs it any more`);
    return [];
  }
  if (!UID.test(uid)) {
    log.warn(`${path} is no entry of the journal and is left alone; remove it when it is not needed`);
    return [];
  }
  const entry = new JournalEntry(path);
  if (!entry.exists) {
    log.info(`journal entry ${uid} was never begun, and is removed`);
    rmSync(path, { recursive: true, force: true });
    return [];
  }
  const asked = entry.asked();
  if (asked === undefined) log.error(`journal entry ${path} cannot be read; what it has done is taken back`);
  const { namespace, name } = asked?.assignment ?? {};
  return [{ key: asked && `${namespace}/${name}`, uid, entry }];
}

const UNREADABLE = 'unreadable-';

/** Whether it is the name of an entry that was set aside. */
export const isUnreadable = (name: string): boolean => name.startsWith(UNREADABLE);

/** An entry that cannot be read, when nothing of it is left on the node. Returns where it is kept. */
export function setAside({ dir, uid }: JournalEntry): string {
  const aside = join(dirname(dir), UNREADABLE + uid);
  rmSync(aside, { recursive: true, force: true });
  renameSync(dir, aside);
  return aside;
}

/** Entries that cannot be read: in work, and set aside. */
export const countUnreadable = (dir: string): number =>
  (existsSync(dir) ? readdirSync(dir) : []).filter(
    (name) => isUnreadable(name) || (UID.test(name) && isBroken(new JournalEntry(join(dir, name)))),
  ).length;

const isBroken = (entry: JournalEntry): boolean => entry.exists && entry.asked() === undefined;
