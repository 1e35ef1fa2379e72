/** The whole program, bundled as for its executable, with a script in CRIU's place. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import { parseReceipt } from '@dynamo-snapshot/api/validate';
import { manifest } from './manifest';

let dir: string;
let bundle: string;
beforeAll(() => {
  const built = mkdtempSync(join(tmpdir(), 'nsrestore-bundle-'));
  bundle = join(built, 'nsrestore.cjs');
  const entry = join(__dirname, '../src/main.ts');
  buildSync({
    entryPoints: [entry],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
  });
});
afterAll(() => rmSync(join(bundle, '..'), { recursive: true }));
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nsrestore-'));
  for (const path of ['artifact/criu', 'root/etc', 'work']) mkdirSync(join(dir, path), { recursive: true });
  writeFileSync(join(dir, 'artifact', artifactFile.manifest), JSON.stringify(manifest({})));
  writeFileSync(
    join(dir, 'artifact', artifactFile.rootfsIndex),
    '{"deleted":["etc/gone"],"opaque":[],"entries":0}',
  );
  writeFileSync(join(dir, 'artifact', artifactFile.rootfsTar), Buffer.alloc(1024));
  writeFileSync(join(dir, 'root/etc/gone'), '');
  writeFileSync(join(dir, 'procs'), '');
});
afterEach(() => rmSync(dir, { recursive: true }));

const digest = (): string =>
  `sha256:${createHash('sha256')
    .update(readFileSync(join(dir, 'artifact/manifest.json')))
    .digest('hex')}`;

function criu(script: string): string {
  const path = join(dir, 'criu');
  writeFileSync(path, `#!/bin/sh\nW=${join(dir, 'work')}\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

function argv(program: string, over: Readonly<Record<string, string>> = {}): readonly string[] {
  const options = {
    ...{
      artifact: join(dir, 'artifact'),
      root: join(dir, 'root'),
      work: join(dir, 'work'),
      criu: program,
      digest: digest(),
      images: join(dir, 'artifact/criu'),
    },
    ...{
      'cgroup-procs': join(dir, 'procs'),
      'cgroup-ns': '/proc/self/ns/cgroup',
      'net-fd': '3',
      'stdin-fd': '4',
      'stdout-fd': '5',
      'stderr-fd': '6',
    },
    ...{ 'oom-score-adj': '100', 'deadline-seconds': '5', ...over },
  };
  return Object.entries(options).map(([name, value]) => `--${name}=${value}`);
}

/** In mount and pid namespaces of its own, as the agent starts it. */
function run(args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', '--pid', '--fork', '--propagation', 'private', process.execPath, bundle, ...args],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'ignore', 'ignore', 'ignore'] },
  );
  const last = stderr.trim().split('\n').pop() ?? '';
  return { status, stdout, stderr, failure: last.startsWith('{') ? (JSON.parse(last) as object) : undefined };
}

const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;

describeAsRoot('nsrestore', () => {
  it('prints one line, the receipt, and nothing else', () => {
    const { status, stdout } = run(argv(criu('echo CRIU talks; echo 42 > $W/restored.pid')));
    expect(status).toBe(0);
    expect(stdout).toMatch(/^[^\n]+\n$/);
    const receipt = parseReceipt(stdout);
    expect(receipt).toMatchObject({
      artifactDigest: digest(),
      restoredPid: 42,
      bytes: 123,
      filesWritten: 0,
      filesDeleted: 1,
    });
    expect(receipt.steps.map(({ step }) => step)).toEqual(['manifest', 'proc', 'files', 'criu']);
  });

  it('shows CRIU a /proc of the pid namespace in which it runs', () => {
    run(argv(criu('cat /proc/1/cmdline | tr "\\0" " " > $W/first; echo 42 > $W/restored.pid')));
    expect(readFileSync(join(dir, 'work/first'), 'utf8')).toContain('nsrestore.cjs');
  });

  it('refuses another manifest than it was told, before it touches anything', () => {
    const { status, stdout, failure } = run(
      argv(criu('touch $W/ran'), { digest: `sha256:${'0'.repeat(64)}` }),
    );
    expect({ status, stdout, failure }).toMatchObject({
      status: 3,
      stdout: '',
      failure: { reason: 'ArtifactMismatch' },
    });
    expect(readFileSync(join(dir, 'root/etc/gone'), 'utf8')).toBe('');
  });

  it('ends with 3 and the reason where CRIU fails', () => {
    const { status, failure } = run(argv(criu('echo "Error (x.c:1): no" > $W/restore.log; exit 1')));
    expect(status).toBe(3);
    expect(failure).toMatchObject({
      reason: 'RestoreFailed',
      message: expect.stringMatching(/^criu: .*no$/) as string,
    });
  });

  it('ends with 3 where an argument is missing', () => {
    const { status, failure } = run(argv(criu('')).filter((arg) => !arg.startsWith('--root=')));
    expect({ status, failure }).toMatchObject({ status: 3, failure: { reason: 'InvalidArguments' } });
  });

  it('ends with 1 where the store cannot be read, which may pass', () => {
    const args = argv(criu(''));
    rmSync(join(dir, 'artifact'), { recursive: true });
    const { status, failure } = run(args);
    expect(status).toBe(1);
    expect(failure).toMatchObject({ message: expect.stringContaining('ENOENT') as string });
  });

  it('does not report success where CRIU left no pid', () => {
    const { status, stdout } = run(argv(criu(': > $W/restored.pid')));
    expect(stdout).toBe('');
    expect(status).not.toBe(0);
  });
});
