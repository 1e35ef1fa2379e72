import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitCode } from '../../src/exit';
import { checkpoint } from '../objects';
import { Stage } from '../stage';

describe('completion', () => {
  const stage = new Stage();
  const dir = mkdtempSync(join(tmpdir(), 'snapshot-completion-'));
  beforeAll(() => stage.open());
  afterAll(async () => {
    rmSync(dir, { recursive: true });
    await stage.close();
  });

  const offered = async (...words: string[]) =>
    (await stage.run(['__complete', ...words])).out
      .trim()
      .split('\n')
      .map((line) => line.split('\t')[0]);

  it.each([
    ['commands', ['in'], ['inspect', ':4']],
    ['commands by any of their words', ['c'], ['capture', 'completion', ':4']],
    ['options of the command', ['inspect', '--me'], ['--memory', ':4']],
    ['options of all commands', ['ls', '--name'], ['--namespace', ':4']],
    ['values of -o', ['ls', '-o', 'j'], ['json', ':4']],
    ['shells', ['completion', 'z'], ['zsh', ':4']],
    ['no checkpoint after the last argument', ['inspect', 'qwen3', ''], [':0']],
    ['files where nothing else is known', ['capture', '-f', ''], [':0']],
  ])('offers %s', async (_, words, candidates) => {
    expect(await offered(...words)).toEqual(candidates);
  });

  it('offers checkpoints and pods of the cluster', async () => {
    stage.make('dynamocheckpoints', checkpoint('qwen3'));
    stage.make('api/v1/pods', { metadata: { name: 'worker-0' } });
    expect(await offered('inspect', '-n', 'default', '--memory', '')).toEqual(['qwen3', ':4']);
    expect(await offered('capture', 'w')).toEqual(['worker-0', ':4']);
  });

  it('bash takes what the program offers, whatever the cluster does', async () => {
    const { out } = await stage.run(['completion', 'bash']);
    writeFileSync(join(dir, 'completion.bash'), out);
    const stub = String.raw`kubectl-snapshot() { printf '%s\n' "$*" >&2; printf 'inspect\tshow it\nimport\tread it\n:4\n'; }`;
    const line =
      'COMP_WORDS=(kubectl-snapshot i); COMP_CWORD=1; _kubectl_snapshot; printf "%s\\n" "${COMPREPLY[@]}"';
    const printed = execFileSync('bash', ['-c', `${stub}; source ${dir}/completion.bash; ${line}`], {
      encoding: 'utf8',
    });
    expect(printed).toBe('inspect\nimport\n');
  });

  it.each(['bash', 'zsh', 'fish', 'kubectl'])('%s has a script that asks the program', async (shell) => {
    const { code, out } = await stage.run(['completion', shell]);
    expect(code).toBe(exitCode.ok);
    expect(out).toContain('kubectl-snapshot __complete');
  });

  it('an unknown shell is refused', async () => {
    expect(await stage.run(['completion', 'csh'])).toMatchObject({ code: exitCode.usage });
  });
});
