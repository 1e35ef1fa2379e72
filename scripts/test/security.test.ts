import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
const text = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8');
const rows = text
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.includes('| --- |'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const pathsIn = (cell: string): readonly string[] =>
  [...cell.matchAll(/`([^`]*\/[^`]*)`/g)].map(([, path]) => path ?? '');

describe('SECURITY.md', () => {
  it('has tables', () => expect(rows.length).toBeGreaterThan(15));

  it('names only what exists', () => {
    const named = rows.flatMap((row) => pathsIn(row.at(-1) ?? ''));
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('shows by a test whatever it says that an attacker cannot do', () => {
    const claims = rows.filter(([, verdict]) => /^(no\b|mounts never)/.test(verdict ?? ''));
    expect(claims.length).toBeGreaterThan(9);
    const shown = (cell: string) => pathsIn(cell).some((path) => /\.(test|scenario)\.ts$/.test(path));
    expect(claims.filter((row) => !shown(row.at(-1) ?? '')).map(([what]) => what)).toEqual([]);
  });
});
