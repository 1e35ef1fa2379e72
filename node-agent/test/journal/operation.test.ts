import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JournalEntry } from '../../src/journal/entry';
import { intoHostCgroups, startOperation } from '../../src/journal/operation';
import { processRef } from '../../src/linux/proc';

const UID = '11111111-2222-3333-4444-555555555555';

let dir: string;
let root: string;
let entry: JournalEntry;

const write = (path: string, text: string) => writeFileSync(path, text);
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');
const output = () => readFileSync(join(entry.dir, 'output.log'), 'utf8');

/** Plain folders stand in for hierarchies: what a process writes into cgroup.procs stays there to be seen. */
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'operation-'));
  root = join(dir, 'cgroup');
  for (const name of ['memory', 'pids', 'unified']) mkdirSync(join(root, name), { recursive: true });
  entry = new JournalEntry(join(dir, UID));
  entry.create({
    request: {
      operation: 'Delete',
      artifactDir: '/s/n/h/u',
      artifact: { namespace: 'n', identityHash: 'h', uid: 'u' },
    },
    deadline: 42,
    assignment: { namespace: 'n', name: 'a', uid: UID },
  });
});
afterEach(() => rmSync(dir, { recursive: true }));

const run = (argv: readonly string[], uid = UID) =>
  new Promise<void>(
    (resolve) => void startOperation({ entry, uid, cgroupRoot: root, argv, onExit: resolve }),
  );

describe('startOperation', () => {
  it('has joined a group of its own in every hierarchy before the command begins', async () => {
    await run([
      '/bin/cat',
      ...['memory', 'pids', 'unified'].map((h) => join(root, h, 'dynamo-snapshot', UID, 'cgroup.procs')),
    ]);
    expect(output()).toBe('0\n0\n0\n');
  });

  it('joins the only hierarchy of version 2 and looks for no other one', async () => {
    write(join(root, 'cgroup.controllers'), '');
    await run(['/bin/true']);
    expect(read('dynamo-snapshot', UID, 'cgroup.procs')).toBe('0\n');
    expect(readdirSync(join(root, 'memory'))).toEqual([]);
  });

  it('does not run the command outside of its groups', async () => {
    mkdirSync(join(root, 'pids', 'dynamo-snapshot', UID, 'cgroup.procs'), { recursive: true });
    await run(['/bin/echo', 'ran']);
    expect(output()).not.toContain('ran\n');
  });

  it('hands over each argument as it is, and runs none of it', async () => {
    const odd = ['', 'a b', '$(touch x)', "'", '`id`', '-n', '*'];
    await run([process.execPath, '-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--', ...odd]);
    expect(JSON.parse(output())).toEqual(odd);
  });

  it('leads a session of its own and writes to a file, not to pipes that end with the agent', async () => {
    const script = `const fs = require('fs');
      const session = fs.readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ')[3];
      console.log(JSON.stringify([Number(session) === process.pid, [0, 1, 2].map((n) => fs.readlinkSync('/proc/self/fd/' + n))]));`;
    await run([process.execPath, '-e', script]);
    const log = join(entry.dir, 'output.log');
    expect(JSON.parse(output())).toEqual([true, ['/dev/null', log, log]]);
  });

  it('writes down the very process that does the work', async () => {
    const ended = run(['/bin/sh', '-c', 'echo $$; exec sleep 60']);
    const ref = entry.process();
    if (ref === undefined) throw new Error('no process was written down');
    try {
      expect(processRef(ref.pid)).toEqual(ref);
    } finally {
      if (processRef(ref.pid)?.startTime === ref.startTime) process.kill(ref.pid, 'SIGTERM');
      await ended;
    }
    expect(ref.startTime).toMatch(/^[0-9]+$/);
  });

  it('tells when the command cannot be run', async () => {
    await run([join(dir, 'no-such-program')]);
    expect(output()).toContain('no-such-program');
  });

  it.each(['', '.', '..', '../..', '/', 'a/b', UID.toUpperCase().replace('1', 'A'), `${UID}/..`])(
    'makes no group for a uid like %j',
    (uid) => {
      const start = () =>
        startOperation({ entry, uid, cgroupRoot: root, argv: ['/bin/true'], onExit: () => {} });
      expect(start).toThrow(expect.objectContaining({ reason: 'InvalidUid' }));
      expect(readdirSync(root, { recursive: true }).sort()).toEqual(['memory', 'pids', 'unified']);
      expect(entry.process()).toBeUndefined();
    },
  );

  it('gives a fresh cpuset the processors and memory nodes of the one above', async () => {
    const groups = [
      join(root, 'cpuset'),
      join(root, 'cpuset', 'dynamo-snapshot'),
      join(root, 'cpuset', 'dynamo-snapshot', UID),
    ];
    mkdirSync(join(root, 'cpuset', 'dynamo-snapshot', UID), { recursive: true });
    for (const group of groups) {
      write(join(group, 'cpuset.cpus'), group.endsWith('/cpuset') ? '0-1\n' : '\n');
      write(join(group, 'cpuset.mems'), group.endsWith('/cpuset') ? '0\n' : '\n');
    }
    await run(['/bin/true']);
    for (const below of [['dynamo-snapshot'], ['dynamo-snapshot', UID]])
      expect([read('cpuset', ...below, 'cpuset.cpus'), read('cpuset', ...below, 'cpuset.mems')]).toEqual([
        '0-1\n',
        '0\n',
      ]);
  });

  it('leaves a cpuset alone that somebody has set', async () => {
    mkdirSync(join(root, 'cpuset', 'dynamo-snapshot'), { recursive: true });
    write(join(root, 'cpuset', 'cpuset.cpus'), '0-3\n');
    write(join(root, 'cpuset', 'dynamo-snapshot', 'cpuset.cpus'), '2\n');
    await run(['/bin/true']);
    expect(read('cpuset', 'dynamo-snapshot', 'cpuset.cpus')).toBe('2\n');
  });
});

it.each([
  ['is in it already', 'cgroup:[1]', 'cgroup:[1]', []],
  ['may not look at it', 'cgroup:[2]', undefined, []],
  [
    'has one of its own',
    'cgroup:[2]',
    'cgroup:[1]',
    ['/usr/bin/nsenter', '--cgroup=/proc/1/ns/cgroup', '--'],
  ],
] as const)('of the cgroup namespace of the host: an agent that %s', (_, own, host, expected) => {
  expect(intoHostCgroups(own, host)).toEqual(expected);
});
