import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { observe } from '../../src/doctor/observe';
import { JournalEntry } from '../../src/journal/entry';

jest.setTimeout(60_000);
const UID = '11111111-2222-3333-4444-555555555555';
const HASH = '0123456789abcdef';

describe('what the doctor sees of a node', () => {
  const dir = mkdtempSync(join(tmpdir(), 'doctor-'));
  const at = (...parts: string[]) => join(dir, ...parts);
  afterAll(() => rmSync(dir, { recursive: true }));
  const places = {
    nodeName: 'node-a',
    criu: at('criu'),
    criSocket: `unix://${at('containerd.sock')}`,
    store: at('store'),
    journal: at('journal'),
    seccomp: at('seccomp'),
    kernelConfig: at('config.gz'),
  };
  const criu = (script: string) => {
    writeFileSync(places.criu, `#!/bin/sh\n${script}\n`);
    chmodSync(places.criu, 0o755);
  };
  beforeAll(() => {
    mkdirSync(at('store', 'default', HASH, UID), { recursive: true });
    mkdirSync(at('journal'));
    criu('echo "Version: 4.2.1"');
  });

  it('a socket that is not there, and one that answers', async () => {
    expect((await observe(places, Date.now)).socketFault).toBe('there is no such socket');
    const server = createServer().listen(at('containerd.sock'));
    await new Promise((resolve) => server.once('listening', resolve));
    expect((await observe(places, Date.now)).socketFault).toBeUndefined();
    await new Promise((resolve) => server.close(resolve));
  });

  it('CRIU that lacks a feature, and CRIU that cannot be run', async () => {
    criu('echo "Version: 3.17"; case "$*" in *overlayfs_maps*) echo "Error: no maps" >&2; exit 1;; esac');
    expect((await observe(places, Date.now)).criu).toEqual({
      version: '3.17',
      faults: ['CRIU 3.17 lacks the feature overlayfs_maps: Error: no maps'],
    });
    criu('echo "no loader" >&2; exit 127');
    expect((await observe(places, Date.now)).criu.faults).toEqual([
      expect.stringMatching(/criu cannot be run: .*no loader$/),
    ]);
  });

  it('the options of the kernel, built in or as modules', async () => {
    expect((await observe(places, Date.now)).kernel.options).toBeUndefined();
    writeFileSync(
      places.kernelConfig,
      gzipSync('CONFIG_EPOLL=y\nCONFIG_UNIX_DIAG=m\n# CONFIG_FHANDLE is not set\n'),
    );
    expect([...((await observe(places, Date.now)).kernel.options ?? [])]).toEqual(['EPOLL', 'UNIX_DIAG']);
  });

  it('an operation in the journal whose process is gone, and an entry that cannot be read', async () => {
    const assignment = { namespace: 'default', name: 'capture-a', uid: UID };
    new JournalEntry(at('journal', UID)).create({ request: {} as never, deadline: 0, assignment });
    const broken = UID.replace(/^1/, '2');
    mkdirSync(at('journal', broken));
    writeFileSync(at('journal', broken, 'operation.json'), '{');
    const later = () => Date.now() + 600_000;
    const { journal } = await observe(places, later);
    expect(journal).toMatchObject([
      { assignment: 'default/capture-a', alive: false, hasResult: false },
      { assignment: 'an entry that cannot be read', alive: false, hasResult: false, unreadable: true },
    ]);
    expect(journal[0]?.ageSeconds).toBeGreaterThan(500);
    utimesSync(at('journal', broken), 1, 1);
  });
});
