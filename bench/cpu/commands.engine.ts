import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The figures of so small a tree say nothing: it is shown that there are some. */
const SMALL = ['--mib', '48', '--rounds', '1'];

describe('the benchmarks on a small tree', () => {
  const dir = mkdtempSync(join(tmpdir(), 'bench-commands-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it.each([
    ['npm run bench', ['bench'], /criu 4\.2 .*\n *dynamo-snapshot /],
    ['npm run bench:digests', ['bench:digests'], /stood still/],
  ])('%s', (_, [script = ''], table) => {
    const json = join(dir, 'figures.json');
    const printed = execFileSync('npm', ['run', '-s', script, '--', ...SMALL, '--dir', dir, '--json', json], {
      encoding: 'utf8',
    });
    expect(printed).toMatch(table);
    expect(Object.keys(JSON.parse(readFileSync(json, 'utf8')) as object).length).toBeGreaterThan(0);
  });
});
