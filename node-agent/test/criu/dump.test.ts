import protobuf from 'protobufjs';
import { dumpArgs } from '../../src/criu/args';
import type { DumpJob } from '../../src/criu/args';
import { errorLines } from '../../src/criu/log';
import { frozenSeconds } from '../../src/criu/stats';
import { hostPid } from '../../src/linux/ids';

const job: DumpJob = {
  criu: '/opt/criu',
  pid: hostPid(4711),
  images: '/store/.staging-1/criu',
  freezer: '/cg/unified/kubepods/x',
  netInode: 4026532001,
  externalMounts: ['/dev', '/etc/hosts'],
  join: ['uts', 'ipc'],
  actionScript: '/work/1/action.sh',
};

describe('dumpArgs', () => {
  it('dumps from inside the namespaces that the restored pod has of its own', () => {
    expect(dumpArgs(job)).toEqual([
      ...['nsenter', '--uts=/proc/4711/ns/uts', '--ipc=/proc/4711/ns/ipc', '--'],
      ...[
        '/opt/criu',
        'dump',
        '--no-default-config',
        '--tree',
        '4711',
        '--images-dir',
        '/store/.staging-1/criu',
      ],
      ...['--log-file', 'dump.log', '-v2', '--freeze-cgroup', '/cg/unified/kubepods/x'],
      ...['--manage-cgroups=ignore', '--network-lock', 'skip', '--external', 'net[4026532001]:extNetNs'],
      ...['--external', 'mnt[/dev]:/dev', '--external', 'mnt[/etc/hosts]:/etc/hosts'],
      ...['--tcp-established', '--skip-in-flight', '--file-locks', '--link-remap', '--force-irmap'],
      ...['--ghost-limit', '536870912', '--action-script', '/work/1/action.sh', '--leave-running'],
    ]);
  });

  it('leaves the ipc namespace alone where it must be dumped', () => {
    expect(dumpArgs({ ...job, join: ['uts'] }).slice(0, 4)).toEqual([
      'nsenter',
      '--uts=/proc/4711/ns/uts',
      '--',
      '/opt/criu',
    ]);
  });

  it('needs no nsenter where nothing is joined', () => {
    expect(dumpArgs({ ...job, join: [] })[0]).toBe('/opt/criu');
  });

  it('hands a terminal over from outside', () => {
    expect(dumpArgs({ ...job, tty: '8801:1b' }).join(' ')).toContain('--external tty[8801:1b]');
  });
});

describe('errorLines', () => {
  const error = (n: number) =>
    `(00.01234${n})     47: Error (criu/files-ext.c:98): Can't dump file ${n} of that type`;

  it('has the errors without time and pid', () => {
    expect(errorLines(`(00.000001) Version: 4.2.1\n${error(1)}\n`)).toEqual([
      "Error (criu/files-ext.c:98): Can't dump file 1 of that type",
    ]);
  });

  it('has the last few where there are many', () => {
    const log = [1, 2, 3, 4, 5, 6].map(error).join('\n');
    expect(errorLines(log, 2).map((line) => line.slice(-14))).toEqual(['5 of that type', '6 of that type']);
  });

  it.each([
    "(00.002) Error (criu/rlimit.c:31): rlimit: Can't setup RLIMIT_NOFILE for self",
    "(00.003) Error (criu/kerndat.c:1): Can't keep kdat cache on non-tempfs",
    '(00.004) Warn  (criu/x.c:1): only a warning',
  ])('leaves out %j', (line) => {
    expect(errorLines(line)).toEqual([]);
  });
});

describe('frozenSeconds', () => {
  /** Field 1 of the file is the dump; its fields 1 and 2 are microseconds, and others follow. */
  const file = (freezing: number, frozen: number): Buffer => {
    const dump = protobuf.Writer.create()
      .uint32(8)
      .uint32(freezing)
      .uint32(16)
      .uint32(frozen)
      .uint32(24)
      .uint32(7);
    const message = Buffer.from(protobuf.Writer.create().uint32(10).bytes(dump.finish()).finish());
    const head = Buffer.alloc(12);
    head.writeUInt32LE(0x55105940, 0);
    head.writeUInt32LE(0x57093306, 4);
    head.writeUInt32LE(message.length, 8);
    return Buffer.concat([head, message]);
  };

  it('counts the freezing itself too', () => {
    expect(frozenSeconds(file(100_000, 250_000))).toBeCloseTo(0.35, 9);
  });

  it('is absent where the file is about a restore', () => {
    const head = Buffer.alloc(12);
    expect(frozenSeconds(head)).toBeUndefined();
  });

  it('fails on a file that is cut off rather than give a number', () => {
    expect(() => frozenSeconds(Buffer.alloc(5))).toThrow();
  });
});
