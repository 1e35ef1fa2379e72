/** What the pages that are written by hand name exists: links, npm scripts, values of the chart, commands and options, alerts. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { checks } from '@dynamo-snapshot/api/doctor';
import { program } from '../../kubectl-snapshot/src/program';

const root = join(__dirname, '../..');
const text = (file: string) => readFileSync(join(root, file), 'utf8');
const pages = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter((page) => existsSync(join(root, page)));
/** The others tell of what was, or of somebody else's names. */
const isOurs = (page: string) =>
  !page.startsWith('docs/adr/') && !/CHANGELOG|upgrade-from-upstream/.test(page);

const all = (pattern: RegExp, of: readonly string[] = pages) =>
  of.flatMap((page) => [...text(page).matchAll(pattern)].map((found) => [page, found[1] ?? ''] as const));

it('links lead somewhere', () => {
  const links = all(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g).filter(([, link]) => !/^[a-z]+:/.test(link));
  expect(links.length).toBeGreaterThan(50);
  expect(links.filter(([page, link]) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
});

it('npm scripts exist', () => {
  const { scripts } = JSON.parse(text('package.json')) as { scripts: Record<string, string> };
  const named = all(/npm run (?:-s )?([a-z](?:[a-z0-9:-]*[a-z0-9])?)/g);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter(([, script]) => scripts[script] === undefined)).toEqual([]);
});

it('decisions that are named have a page', () => {
  const numbers = new Set(pages.map((page) => /docs\/adr\/(\d{4})-/.exec(page)?.[1]));
  const named = all(/\bADR (\d+)\b/g);
  expect(named.filter(([, number]) => !numbers.has(number.padStart(4, '0')))).toEqual([]);
});

describe('values of the chart', () => {
  const values = parse(text('charts/dynamo-snapshot/values.yaml')) as object;
  const has = (path: string) =>
    path
      .split('.')
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], values) !== undefined;

  it('that are set on a command line exist', () => {
    const named = all(/--set ([A-Za-z.]+)=/g).filter(([, path]) => !path.startsWith('dynamo-operator.'));
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter(([, path]) => !has(path))).toEqual([]);
  });

  it('that are named as a setting exist', () => {
    const sections = Object.keys(values).join('|');
    const named = all(
      new RegExp(`\`((?:${sections})(?:\\.[A-Za-z]+)+)(?:=[^\`]*)?\``, 'g'),
      pages.filter(isOurs),
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(([, path]) => !has(path))).toEqual([]);
  });
});

describe('kubectl snapshot', () => {
  const commands = new Map(
    program(() => Promise.resolve()).commands.map((command) => [
      command.name(),
      [...command.options, ...(command.parent?.options ?? [])].flatMap(({ long, short }) => [long, short]),
    ]),
  );

  it('has the commands, with the options, that are shown', () => {
    const lines = all(/^ {4,}(?:\$ )?kubectl snapshot ([^\n&]*)/gm, pages.filter(isOurs));
    expect(lines.length).toBeGreaterThan(8);
    const wrong = lines.filter(([, line]) => {
      const [name = '', ...rest] = line.split(/\s{2,}|\s#/)[0]?.split(' ') ?? [];
      const options = commands.get(name);
      return !rest.filter((word) => word.startsWith('-')).every((word) => options?.includes(word));
    });
    expect(wrong).toEqual([]);
  });

  it('has the checks of doctor that are named', () => {
    const known = new Set<string>(Object.values(checks));
    const cells = all(/doctor(?:`)?: ([A-Z][A-Za-z, ]+)/g, ['docs/install.md']);
    const named = cells.flatMap(([, list]) => list.split(/, /).map((name) => name.trim()));
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });
});

it('every alert of the chart is explained, and no other', () => {
  const inChart = [...text('charts/dynamo-snapshot/files/alerts.yaml').matchAll(/alert: (\w+)/g)].map(
    (m) => m[1],
  );
  const explained = all(/^\| (Snapshot\w+) \|/gm, ['docs/operations.md']).map(([, name]) => name);
  expect(explained.sort()).toEqual(inChart.sort());
});
