import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describesMemory } from '../../src/archive/entries';
import { fromArchive, toArchive } from '../../src/archive/layout';
import { describingTar, execArgs, wholeTar } from '../../src/artifact/args';
import { exitCode } from '../../src/exit';
import { Stage } from '../stage';
import { makeArtifact } from './artifact';

jest.setTimeout(120_000);
const dir = mkdtempSync(join(tmpdir(), 'snapshot-archive-'));
afterAll(() => rmSync(dir, { recursive: true }));
const at = (...parts: string[]) => join(dir, ...parts);

const listed = (tar: string) => execFileSync('tar', ['tf', tar], { encoding: 'utf8' }).trim().split('\n');
const content = (tar: string, file: string) => execFileSync('tar', ['xOf', tar, file]);

it.each([
  ['criu/pstree.img', 'checkpoint/pstree.img'],
  ['rootfs.tar', 'rootfs-diff.tar'],
  ['manifest.json', 'dynamo-snapshot/manifest.json'],
  ['volumes/0.tar', 'dynamo-snapshot/volumes/0.tar'],
  ['pages/0', 'dynamo-snapshot/pages/0'],
])('%s lies in an archive as %s, and comes back', (path, inArchive) => {
  expect(toArchive(path)).toBe(inArchive);
  expect(fromArchive(inArchive)).toBe(path);
});

it.each([
  'config.dump',
  'stats-dump',
  'checkpoint',
  'dynamo-snapshot/../../etc/passwd',
  'checkpoint//x',
  'other/file',
  '/etc/passwd',
])('%s of an archive is no file of an artifact', (path) => expect(fromArchive(path)).toBeUndefined());

it('paths are parameters of the shell, never part of its script', () => {
  const agent = { namespace: 'dynamo', name: 'agent-x', container: 'agent', store: '/checkpoints' };
  const [script, ...parameters] = execArgs(agent, wholeTar('/checkpoints/a b')).slice(-4);
  expect(script).not.toContain('/checkpoints');
  expect(parameters).toEqual(['sh', '/checkpoints/a b', 'manifest.json']);
});

describe('what an agent sends of an artifact', () => {
  const sent = (command: readonly string[]) => {
    const [file = '', ...args] = command;
    const tar = execFileSync(file, args, { maxBuffer: 1 << 26 });
    return execFileSync('tar', ['-t'], { input: tar })
      .toString()
      .trim()
      .split('\n')
      .map((name) => name.replace(/^\.\//, ''))
      .filter((name) => name !== '' && !name.endsWith('/'));
  };

  it('begins with the manifest and with the index of the shards, and has every file once', () => {
    makeArtifact(at('sharded'));
    mkdirSync(at('sharded/pages'));
    for (const name of ['shard-1', 'shard-0', 'index.json']) writeFileSync(at(`sharded/pages/${name}`), name);
    const names = sent(wholeTar(at('sharded')));
    expect(names.slice(0, 2)).toEqual(['manifest.json', 'pages/index.json']);
    const describing = names.findIndex((name) => !describesMemory(name) && name !== 'manifest.json');
    expect(names.filter(describesMemory)).toEqual(names.slice(1, describing));
    expect(names.slice(1, describing)).toEqual(expect.arrayContaining(['criu/files.img', 'criu/mm-22.img']));
    expect(names).toHaveLength(new Set(names).size);
    expect(names).toEqual(expect.arrayContaining(['pages/shard-0', 'pages/shard-1', 'criu/pages-1.img']));
    expect(sent(describingTar(at('sharded')))).toEqual(
      expect.arrayContaining(['pages/index.json', 'criu/mm-1.img']),
    );
    expect(sent(describingTar(at('sharded'))).filter((name) => /shard|pages-1/.test(name))).toEqual([]);
  });

  it('has no index where there are no shards', () => {
    makeArtifact(at('whole'));
    expect(sent(wholeTar(at('whole')))[0]).toBe('manifest.json');
    expect(sent(describingTar(at('whole')))).toContain('rootfs.json');
  });
});

describe('an artifact in a folder', () => {
  const stage = new Stage();
  beforeAll(() => makeArtifact(at('artifact')));

  it('is exported with the files that other readers look for', async () => {
    const { code, out } = await stage.run(['export', at('artifact'), at('a.tar')]);
    expect({ code, out }).toEqual({ code: exitCode.ok, out: expect.stringContaining('42 files') });
    const files = listed(at('a.tar'));
    for (const file of [
      'config.dump',
      'spec.dump',
      'stats-dump',
      'dump.log',
      'deleted.files',
      'rootfs-diff.tar',
    ])
      expect(files).toContain(file);
    expect(files.slice(0, 3)).toEqual(['dynamo-snapshot/', 'checkpoint/', 'dynamo-snapshot/manifest.json']);
    expect(files.filter((f) => f.startsWith('checkpoint/'))).toHaveLength(40);
    expect(JSON.parse(content(at('a.tar'), 'config.dump').toString())).toMatchObject({
      name: 'main',
      rootfsImageName: 'docker.io/example/worker:1',
    });
    expect(JSON.parse(content(at('a.tar'), 'deleted.files').toString())).toEqual(['etc/motd']);
    expect(
      content(at('a.tar'), 'checkpoint/pages-1.img').equals(readFileSync(at('artifact/criu/pages-1.img'))),
    ).toBe(true);
  });

  it('is the same after export and import', async () => {
    expect(await stage.run(['import', at('a.tar'), '--dir', at('again')])).toMatchObject({
      code: exitCode.ok,
    });
    expect(spawnSync('diff', ['-r', at('artifact'), at('again')], { encoding: 'utf8' }).stdout).toBe('');
    expect(await stage.run(['verify', at('again')])).toMatchObject({
      code: exitCode.ok,
      out: expect.stringContaining('intact  42 files'),
    });
  });

  it('checkpointctl reads the archive', () => {
    const program = process.env['CHECKPOINTCTL'] ?? 'checkpointctl';
    const { error, stdout, stderr } = spawnSync(program, ['inspect', '--all', at('a.tar')], {
      encoding: 'utf8',
    });
    if (error !== undefined) return console.log(`left out: ${program} is not installed`);
    expect(stderr).toBe('');
    expect(stdout).toContain('[TCP (LISTEN)]  :::8000');
    expect(stdout).toContain('docker.io/example/worker:1');
    return undefined;
  });

  it('that is damaged is found out, and leaves no archive', async () => {
    makeArtifact(at('damaged'));
    writeFileSync(at('damaged/criu/pages-1.img'), Buffer.alloc(300_000, 8));
    rmSync(at('damaged/volumes/0.tar'));
    expect(await stage.run(['verify', at('damaged')])).toMatchObject({
      code: exitCode.found,
      out: expect.stringContaining(
        '2 faults\n  criu/pages-1.img has another content\n  volumes/0.tar is missing',
      ),
    });
    const { code, err } = await stage.run(['export', at('damaged'), at('damaged.tar')]);
    expect({ code, err }).toEqual({
      code: exitCode.failed,
      err: 'error: criu/pages-1.img has another content; volumes/0.tar is missing\n',
    });
    expect(readdirSync(dir).filter((f) => f.startsWith('damaged.tar'))).toEqual([]);
  });

  it.each([
    ['text', 'hello world'.repeat(200)],
    ['nothing', ''],
  ])('import refuses a file of %s, and leaves no folder', async (_, bytes) => {
    writeFileSync(at('no.tar'), bytes);
    expect(await stage.run(['import', at('no.tar'), '--dir', at('none')])).toMatchObject({
      code: exitCode.failed,
    });
    expect(readdirSync(dir).filter((f) => f.startsWith('none'))).toEqual([]);
  });
});
