/** Every command that a page shows is run by a test, or it is said why not. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commands } from '../../e2e/documented/commands';
import { commandsOf } from '../../e2e/documented/extract';

const root = join(__dirname, '../..');
const text = (file: string) => readFileSync(join(root, file), 'utf8');
/** The others tell of what was. */
const pages = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter((page) => existsSync(join(root, page)) && !/^docs\/adr\/|CHANGELOG/.test(page));
const shown = pages.flatMap((page) => commandsOf(text(page)).map((command) => ({ page, command })));
const table = Object.entries(commands);

describe('the commands of a page', () => {
  const page = [
    '    $ kubectl snapshot ls',
    '    NAME   MODEL',
    'Look with `kubectl get pods`, not `spec.job`:',
    '',
    '    helm install snapshot charts/x \\',
    '      --set a=b        where it can be',
    '```yaml',
    '    kubectl: 1',
    '    kubectl no command',
    '```',
    '    npm test      everything',
  ].join('\n');

  it('are found in blocks and lines, without remarks and output', () => {
    expect(commandsOf(page)).toEqual([
      'kubectl snapshot ls',
      'kubectl get pods',
      'helm install snapshot charts/x --set a=b',
      'npm test',
    ]);
  });
});

describe('every command of README and docs', () => {
  it('is run by a test, or it is said why not', () => {
    expect(shown.length).toBeGreaterThan(60);
    expect(shown.filter(({ command }) => commands[command] === undefined)).toEqual([]);
  });

  it('that is said to be run is shown by a page', () => {
    const known = new Set(shown.map(({ command }) => command));
    expect(table.map(([command]) => command).filter((command) => !known.has(command))).toEqual([]);
  });

  it('is run where it is said', () => {
    const wrong = table.filter(
      ([, how]) => 'file' in how && !(existsSync(join(root, how.file)) && text(how.file).includes(how.as)),
    );
    expect(wrong).toEqual([]);
  });

  it('is written as the scenario replaces it', () => {
    const wrong = table.filter(
      ([command, how]) => 'here' in how && !Object.keys(how.here).every((word) => command.includes(word)),
    );
    expect(wrong).toEqual([]);
  });

  it('that needs a GPU is marked so', () => {
    const gpu = shown.filter(({ command }) => {
      const how = commands[command];
      return how !== undefined && 'byHand' in how && how.byHand === 'GPU';
    });
    expect(gpu.length).toBeGreaterThan(0);
    for (const { page, command } of gpu)
      expect(
        text(page)
          .split('\n\n')
          .find((part) => part.includes(command)),
      ).toMatch(/GPU|NVIDIA/);
  });
});
