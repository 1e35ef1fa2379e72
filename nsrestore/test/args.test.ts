import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inherited, joined, restoreArgs } from '../src/args';
import { job, manifest } from './manifest';

describe('inherited', () => {
  const keys = (process: Parameters<typeof manifest>[0]['process']) =>
    inherited(manifest({ ...(process === undefined ? {} : { process }) }), job({})).map(
      ({ key, fd }) => `${fd} ${key}`,
    );

  it('hands over the network and each pipe of the standard descriptors', () => {
    expect(keys({ stdio: ['pipe:[1]', 'pipe:[2]', 'pipe:[3]'] })).toEqual([
      '3 extNetNs',
      '4 pipe:[1]',
      '5 pipe:[2]',
      '6 pipe:[3]',
    ]);
  });

  it('hands a pipe over once where stdout and stderr are the same', () => {
    expect(keys({ stdio: ['/dev/null', 'pipe:[2]', 'pipe:[2]'] })).toEqual(['3 extNetNs', '5 pipe:[2]']);
  });

  it('leaves files and devices to CRIU', () => {
    expect(keys({ stdio: ['/dev/null', '/var/log/out', 'socket:[9]'] })).toEqual(['3 extNetNs']);
  });

  it('hands over the terminal', () => {
    const tty = {
      stdio: ['/dev/pts/0', '/dev/pts/0', '/dev/pts/0'] as [string, string, string],
      tty: '8800:1b',
    };
    expect(keys(tty)).toEqual(['3 extNetNs', '4 tty[8800:1b]']);
  });
});

describe('restoreArgs', () => {
  it('is this command line', () => {
    expect(restoreArgs(job({}), manifest({ externalMounts: ['/dev', '/etc/my hosts'] }))).toEqual([
      ...['/opt/criu/criu', 'restore', '--no-default-config'],
      ...['--images-dir', '/work/images', '--work-dir', '/work', '--log-file', 'restore.log', '-v2'],
      ...['--restore-detached', '--pidfile', '/work/restored.pid', '--leave-stopped'],
      ...['--root', '/root-of-pod'],
      ...['--manage-cgroups=ignore', '--tcp-close', '--file-locks', '--link-remap', '--force-irmap'],
      ...[
        '--inherit-fd',
        'fd[3]:extNetNs',
        '--inherit-fd',
        'fd[4]:pipe:[11]',
        '--inherit-fd',
        'fd[5]:pipe:[12]',
      ],
      ...['--external', 'mnt[/dev]:/root-of-pod/dev'],
      ...['--external', 'mnt[/etc/my hosts]:/root-of-pod/etc/my hosts'],
    ]);
  });

  it('hands over the file behind a gate, and lets the agent stand for the page server', () => {
    const fds = { net: 3, stdin: 4, stdout: 5, stderr: 6, gate: 7 };
    const argv = restoreArgs(job({ fds }), manifest({ externalMounts: [] }));
    expect(argv).toContain('--lazy-pages');
    expect(argv).toContain('fd[6]:dynamo-snapshot-driver-memory');
    expect(inherited(manifest({}), job({ fds })).at(-1)).toEqual({
      key: 'dynamo-snapshot-driver-memory',
      fd: 7,
    });
  });
});

describe('joined', () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'joined-'))));
  afterEach(() => rmSync(dir, { recursive: true }));
  const own = '/proc/self/ns/cgroup';
  const run = (cgroupProcs: readonly string[], argv: readonly string[], shell?: string, cgroupNs = own) => {
    const [file = '', ...args] = joined(job({ cgroupProcs, cgroupNs, oomScoreAdj: '700' }), argv);
    return spawnSync(shell ?? file, args, { encoding: 'utf8' });
  };
  const odd = ['$(touch pwned)', 'two words', '', '-n', '; exit 9', "'", '*'];

  it('enters every group, takes the OOM score, and passes the command on as it is', () => {
    const files = ['one', 'two words', '$(exit 3)'].map((name) => join(dir, name));
    for (const file of files) writeFileSync(file, '');
    const script = 'cat /proc/self/oom_score_adj; printf "<%s>" "$@"';
    const { stdout, status } = run(files, ['/bin/sh', '-c', script, 'sh', ...odd]);
    expect({ stdout, status }).toEqual({ stdout: `700\n${odd.map((a) => `<${a}>`).join('')}`, status: 0 });
    expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(['0\n', '0\n', '0\n']);
  });

  it('takes no part of the command for a group where there is none', () => {
    expect(run([], ['/bin/echo', 'ran']).stdout).toBe('ran\n');
  });

  it('does not start the command outside of a group', () => {
    const { stdout, status } = run([join(dir, 'missing/cgroup.procs')], ['/bin/echo', 'ran']);
    expect({ stdout, status }).toEqual({ stdout: '', status: 125 });
  });

  it('is in the groups before it enters their namespace, and the command is in it', async () => {
    const other = spawn('unshare', ['--cgroup', 'sh', '-c', 'echo; read _'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    try {
      await once(other.stdout, 'data');
      const cgroupNs = `/proc/${other.pid}/ns/cgroup`;
      const theirs = readlinkSync(cgroupNs);
      expect(theirs).not.toBe(readlinkSync('/proc/self/ns/cgroup'));
      const argv = joined(job({ cgroupProcs: ['/g'], cgroupNs }), ['readlink', '/proc/self/ns/cgroup']);
      expect(argv.indexOf('/g')).toBeLessThan(argv.indexOf(`--cgroup=${cgroupNs}`));
      expect(run([], ['readlink', '/proc/self/ns/cgroup'], undefined, cgroupNs).stdout).toBe(`${theirs}\n`);
    } finally {
      other.stdin.end();
    }
  });

  it('ends with the status of the command', () => {
    expect(run([], ['/bin/sh', '-c', 'exit 42']).status).toBe(42);
  });

  it('is no shell text that depends on data', () => {
    const script = (files: readonly string[]) => joined(job({ cgroupProcs: files }), ['x'])[2];
    expect(script(['/a b', '$(x)'])).toBe(script([]));
    expect(() => execFileSync('/bin/sh', ['-n', '-c', script([]) ?? ''])).not.toThrow();
  });
});
