/** All entries, as an agent finds them when it starts. What is no entry, or cannot be read, is said, and stops nothing else. */
import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { explain } from '@dynamo-snapshot/api/errors';
import { UID } from '@dynamo-snapshot/api/layout';
import type { Log } from '@dynamo-snapshot/controller/log';
import { JournalEntry } from './entry';

export interface Begun {
  /** `namespace/name` of the assignment. */
  readonly key: string;
  readonly uid: string;
  readonly entry: JournalEntry;
}

export const readJournal = (dir: string, log: Log): readonly Begun[] =>
  readdirSync(dir).flatMap((name) => readEntry(dir, name, log));

function readEntry(dir: string, name: string, log: Log): readonly Begun[] {
  const path = join(dir, name);
  if (!UID.test(name)) {
    log.warn(`${path} is no entry of the journal and is left alone; remove it when it is not needed`);
    return [];
  }
  const entry = new JournalEntry(path);
  if (!entry.exists) {
    log.info(`journal entry ${name} was never begun, and is removed`);
    rmSync(path, { recursive: true, force: true });
    return [];
  }
  try {
    const { namespace, name: assignment } = entry.operation().assignment;
    entry.result();
    return [{ key: `${namespace}/${assignment}`, uid: name, entry }];
  } catch (error) {
    return setAside(dir, name, log, error);
  }
}

/** Its assignment is begun anew where it is still wanted; what it may have left is for a person, who finds the entry beside the others. */
function setAside(dir: string, name: string, log: Log, error: unknown): readonly Begun[] {
  const aside = join(dir, `unreadable-${name}`);
  log.error(
    `${explain(error)}; the entry is kept as ${aside}, and what its ${'undo.ndjson'} names may have to be taken back by hand`,
  );
  rmSync(aside, { recursive: true, force: true });
  renameSync(join(dir, name), aside);
  return [];
}
