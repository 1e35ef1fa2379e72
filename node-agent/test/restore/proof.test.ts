import type { Manifest } from '@dynamo-snapshot/api/manifest';
import type { ProcessFacts } from '@dynamo-snapshot/api/tree';
import type { Restored } from '../../src/restore/proof';
import { faultsOf } from '../../src/restore/proof';

const server: ProcessFacts = {
  nsPid: 1,
  parent: 0,
  name: 'python3',
  threads: 5,
  fds: 12,
  listening: ['tcp 0.0.0.0:8000', 'tcp 10.0.0.1:9000', 'unix @bus'],
  locks: ['FLOCK WRITE 0-EOF /data/db'],
  limits: 0,
  oomScoreAdj: 0,
};
const child: ProcessFacts = {
  ...server,
  nsPid: 7,
  parent: 1,
  name: 'worker',
  threads: 1,
  listening: [],
  locks: [],
};

const manifest = {
  process: { tree: { processes: [server, child], limits: [] } },
  dump: { externalMounts: ['/data', '/etc/hosts'] },
} as unknown as Manifest;

const moved = { ...server, listening: ['tcp 0.0.0.0:8000', 'tcp 10.0.0.2:9000', 'unix @bus'] };
const restored: Restored = {
  tree: { processes: [moved, child], limits: [] },
  mountPoints: ['/', '/proc', '/etc/hosts', '/data', '/dev/shm'],
  addresses: new Map([['10.0.0.1', '10.0.0.2']]),
};
const withServer = (change: Partial<ProcessFacts>): Restored => ({
  ...restored,
  tree: { processes: [{ ...moved, ...change }, child], limits: [] },
});

describe('faultsOf', () => {
  it('finds none in what was dumped, at the address of the new pod', () => {
    expect(faultsOf(manifest, restored)).toEqual([]);
  });

  it.each<[string, Restored, RegExp]>([
    [
      'a missing process',
      { ...restored, tree: { processes: [moved], limits: [] } },
      /7 \(worker\) is missing/,
    ],
    [
      'a process too many',
      { ...restored, tree: { processes: [moved, child, { ...child, nsPid: 9 }], limits: [] } },
      /9 \(worker\) was not dumped/,
    ],
    ['another name', withServer({ name: 'sleep' }), /name is sleep, not python3/],
    ['a lost thread', withServer({ threads: 4 }), /threads is 4, not 5/],
    ['a lost descriptor', withServer({ fds: 11 }), /fds is 11, not 12/],
    ['another parent', withServer({ parent: 7 }), /parent is 7, not 0/],
    [
      'a port that is closed',
      withServer({ listening: ['tcp 10.0.0.2:9000', 'unix @bus'] }),
      /tcp 0\.0\.0\.0:8000$/,
    ],
    [
      'a socket at the old address',
      withServer({ listening: server.listening }),
      /listen on tcp 10\.0\.0\.2:9000/,
    ],
    ['a lost lock', withServer({ locks: [] }), /lacks the lock FLOCK WRITE 0-EOF \/data\/db/],
    ['a missing mount', { ...restored, mountPoints: ['/', '/proc', '/data'] }, /at \/etc\/hosts/],
  ])('tells %s', (_, found, fault) => {
    expect(faultsOf(manifest, found)).toEqual([expect.stringMatching(fault)]);
  });

  it('tells all at once', () => {
    expect(
      faultsOf(manifest, { ...withServer({ threads: 1, fds: 1, locks: [] }), mountPoints: [] }),
    ).toHaveLength(7);
  });
});
