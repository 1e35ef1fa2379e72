import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '@dynamo-snapshot/controller/log';
import { JournalEntry } from '../../src/journal/entry';
import { countUnreadable, readJournal, setAside } from '../../src/journal/journal';

const UID = '11111111-2222-3333-4444-555555555555';
const OTHER = UID.replaceAll('1', '6');

let dir: string;
let said: string[];
const say = (level: string) => (message: string) => void said.push(`${level} ${message}`);
const log: Log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };

const create = (uid: string) => {
  const entry = new JournalEntry(join(dir, uid));
  entry.create({
    request: {
      operation: 'Delete',
      artifactDir: '/s/n/h/u',
      artifact: { namespace: 'n', identityHash: 'h', uid: 'u' },
    },
    deadline: 42,
    assignment: { namespace: 'team', name: `a-${uid[0]}`, uid },
  });
  return entry;
};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'journal-'));
  said = [];
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('readJournal', () => {
  it('finds what was begun, and says nothing about it', () => {
    for (const uid of [UID, OTHER]) create(uid);
    expect(
      readJournal(dir, log)
        .map((b) => [b.key, b.uid])
        .sort(),
    ).toEqual([
      ['team/a-1', UID],
      ['team/a-6', OTHER],
    ]);
    expect(said).toEqual([]);
  });

  it('removes an entry that was never begun, and says so', () => {
    mkdirSync(join(dir, UID));
    expect(readJournal(dir, log)).toEqual([]);
    expect(readdirSync(dir)).toEqual([]);
    expect(said).toEqual([expect.stringContaining(UID)]);
  });

  it.each(['lost-and-found', 'notes.txt', `${UID}.bak`, 'unreadable-x'])(
    'leaves %s alone, and says so',
    (name) => {
      mkdirSync(join(dir, name));
      create(OTHER);
      expect(readJournal(dir, log).map((b) => b.uid)).toEqual([OTHER]);
      expect(readdirSync(dir)).toContain(name);
      expect(said).toEqual([expect.stringMatching(`warn .*${name}`)]);
    },
  );

  it('finds an entry that cannot be read among the others, and says so', () => {
    create(UID);
    create(OTHER);
    writeFileSync(join(dir, UID, 'operation.json'), '{"assignment":');
    const found = readJournal(dir, log).map((b) => [b.key, b.uid]);
    expect(found).toHaveLength(2);
    expect(found).toEqual(
      expect.arrayContaining([
        ['team/a-6', OTHER],
        [undefined, UID],
      ]),
    );
    expect(said).toEqual([expect.stringMatching(`error .*${UID}`)]);
  });
});

describe('an entry that cannot be read', () => {
  it('is counted before and after it was set aside, where its steps are kept', () => {
    const broken = create(UID);
    create(OTHER);
    broken.appendUndo({ do: 'thaw', freezer: '/cg' });
    expect(countUnreadable(dir)).toBe(0);
    writeFileSync(join(dir, UID, 'operation.json'), '');
    expect(countUnreadable(dir)).toBe(1);
    const aside = setAside(broken);
    expect(aside).toBe(join(dir, `unreadable-${UID}`));
    expect(new JournalEntry(aside).undoSteps()).toEqual([{ do: 'thaw', freezer: '/cg' }]);
    expect(countUnreadable(dir)).toBe(1);
    expect(readJournal(dir, log).map((b) => b.uid)).toEqual([OTHER]);
    expect(readdirSync(dir).sort()).toEqual([OTHER, `unreadable-${UID}`].sort());
  });

  it('is not counted where there is no journal yet', () => {
    expect(countUnreadable(join(dir, 'gone'))).toBe(0);
  });
});
