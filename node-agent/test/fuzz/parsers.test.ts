/** Everything that comes from outside is parsed to something sound, or refused with a reason: nothing crashes, nothing hangs. */
import fc from 'fast-check';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactPath } from '@dynamo-snapshot/api/layout';
import { parseManifest, parseReceipt, parseRootfsIndex } from '@dynamo-snapshot/api/validate';
import { rewriteSockets } from '../../src/criu/inet';
import { writeImage } from '../../src/criu/image';
import { errorLines } from '../../src/criu/log';
import { adviseHugePages, readAreas } from '../../src/criu/mm';
import { withExternalMountsThere } from '../../src/criu/mounts';
import { readPagemap } from '../../src/criu/pagemap';
import { frozenSeconds } from '../../src/criu/stats';
import { containerCgroup, containerId, hostPid } from '../../src/linux/ids';
import { parseCpuinfo } from '../../src/linux/cpu';
import { parseLimits, within } from '../../src/linux/limits';
import { parseLocks, parseMappedFiles } from '../../src/linux/locks';
import { parseMaps } from '../../src/linux/maps';
import { parseAvailable } from '../../src/linux/meminfo';
import { externalMounts, parseMountinfo, upperDir } from '../../src/linux/mountinfo';
import { parseTcpListeners, parseUnixListeners } from '../../src/linux/sockets';
import type { CriStatus } from '../../src/runtime/facts';
import { containerFacts, volumesOf } from '../../src/runtime/facts';

const id = containerId('ab'.repeat(32));

/** Text that has the look of what the kernel writes, and text that has not. */
const words = fc.constantFrom(
  ...[
    'tcp',
    '0A',
    '0100007F:1F90',
    '-',
    '/',
    '/a b',
    '\\040',
    '\\999',
    'lock:',
    '1:',
    'POSIX',
    'ADVISORY',
    'WRITE',
    'EOF',
  ],
  ...[
    'Max',
    'open',
    'files',
    'unlimited',
    '0',
    '18446744073709551616',
    '-1',
    '@',
    'fe:00:131',
    '00010000',
    'overlay',
    'flags',
  ],
  ...[':', '->', '\0', '\u{1F600}', 'upperdir=/x', 'MemAvailable:', 'kB', '7f00-7f01', 'r--s', '(deleted)'],
);
const line = fc.array(fc.oneof(words, fc.string()), { maxLength: 14 }).map((parts) => parts.join(' '));
const kernelText = fc.array(line, { maxLength: 8 }).map((lines) => lines.join('\n'));

const sound = (value: unknown): void =>
  void JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? `${v}` : v));
const refusedOrSound = (parse: () => unknown): void => {
  try {
    sound(parse());
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
  }
};

describe('text of the kernel', () => {
  it.each<[string, (text: string) => unknown]>([
    [
      'mountinfo',
      (text) => [parseMountinfo(text), upperDir(parseMountinfo(text)), externalMounts(parseMountinfo(text))],
    ],
    ['limits', parseLimits],
    ['fdinfo', parseLocks],
    ['maps', (text) => [parseMappedFiles(text), parseMaps(text)]],
    ['net/tcp', (text) => [...parseTcpListeners(text, 'tcp')]],
    ['net/tcp6', (text) => [...parseTcpListeners(text, 'tcp6')]],
    ['net/unix', (text) => [...parseUnixListeners(text)]],
    ['cpuinfo', parseCpuinfo],
    ['meminfo', parseAvailable],
    ["criu's log", (text) => errorLines(text)],
  ])('%s never crashes a parser', (_, parse) => {
    fc.assert(fc.property(fc.oneof(kernelText, fc.string()), (text) => sound(parse(text))));
  });

  it('a limit never goes above what is allowed', () => {
    const limit = fc.tuple(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    );
    fc.assert(
      fc.property(limit, limit, (wanted, now) => {
        const [soft = '', hard = ''] = within(wanted.map(String), now.map(String));
        expect(BigInt(hard) <= now[1] && BigInt(hard) <= wanted[1] && BigInt(soft) <= BigInt(hard)).toBe(
          true,
        );
      }),
    );
  });
});

describe('names that become paths or processes', () => {
  const odd = fc.oneof(
    fc.string(),
    words,
    fc.constantFrom('..', '/', '', 'a/../../b', 'containerd://'),
    fc.anything(),
  );

  it('a container id is 64 hex digits or refused', () => {
    fc.assert(
      fc.property(fc.string(), (text) =>
        refusedOrSound(() => expect(containerId(text)).toMatch(/^[0-9a-f]{64}$/)),
      ),
    );
  });

  it('a pid is a number above 1 or refused', () => {
    fc.assert(fc.property(odd, (value) => refusedOrSound(() => expect(hostPid(value)).toBeGreaterThan(1))));
  });

  it('a cgroup path ends with the id of its container or is refused', () => {
    const path = fc.array(
      fc.oneof(fc.constantFrom('', '..', id, `cri-${id}.scope`, 'kubepods'), fc.string()),
    );
    fc.assert(
      fc.property(path, (parts) =>
        refusedOrSound(() =>
          expect(
            containerCgroup(`/${parts.join('/')}`, id)
              .split('/')
              .pop(),
          ).toContain(id),
        ),
      ),
    );
  });

  it('the path of an artifact has three plain parts or is refused', () => {
    const part = fc.oneof(fc.string(), fc.constantFrom('..', '.', 'a/b', '', 'n'), fc.uuid());
    fc.assert(
      fc.property(part, part, part, (namespace, identityHash, uid) =>
        refusedOrSound(() =>
          expect(artifactPath({ namespace, identityHash, uid })).toMatch(
            /^[a-z0-9-]+\/[0-9a-f]{16}\/[0-9a-f-]{36}$/,
          ),
        ),
      ),
    );
  });
});

describe('answers of the runtime', () => {
  const status = fc.record({
    status: fc.option(
      fc.record({
        metadata: fc.record({ name: fc.string() }),
        state: fc.constantFrom(0, 1, 2),
        image: fc.record({ image: fc.string() }),
        image_ref: fc.string(),
        labels: fc.dictionary(fc.string(), fc.string()),
        mounts: fc.array(fc.record({ container_path: fc.string(), host_path: fc.string() })),
      }),
      { nil: undefined },
    ),
    info: fc.dictionary(
      fc.constant('info'),
      fc.oneof(fc.string(), fc.json(), fc.constant('{"pid":7}'), fc.constant('null')),
    ),
  });

  it('are facts or refused', () => {
    fc.assert(
      fc.property(status, (answer) =>
        refusedOrSound(() => {
          const facts = containerFacts(id, answer as CriStatus);
          expect(facts.pid).toBeGreaterThan(1);
          return volumesOf(facts);
        }),
      ),
    );
  });
});

describe('files of an artifact', () => {
  it.each<[string, (text: string) => unknown]>([
    ['a manifest', parseManifest],
    ['an index', parseRootfsIndex],
    ['a receipt', parseReceipt],
  ])('%s is valid or refused', (_, parse) => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => refusedOrSound(() => parse(text))));
  });

  const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
  const image = fc
    .array(bytes, { maxLength: 5 })
    .map((messages) => writeImage({ magic: Buffer.alloc(8), messages }));
  const rewrite = { addresses: new Map([['10.0.0.1', '10.0.0.2']]), keepLocal: true };

  it.each<[string, (content: Buffer) => unknown]>([
    ['sockets', (content) => rewriteSockets('files.img', content, rewrite)],
    ['mounts', (content) => withExternalMountsThere('mountpoints-1.img', content)],
    ['memory areas', (content) => readAreas('mm-1.img', content)],
    ['memory areas that are advised', (content) => adviseHugePages('mm-1.img', content, new Set([0]))],
    ['page maps', (content) => readPagemap('pagemap-1.img', content)],
    ['statistics', frozenSeconds],
  ])('images of CRIU are read or refused: %s', (_, parse) => {
    fc.assert(fc.property(fc.oneof(bytes, image), (content) => refusedOrSound(() => parse(content))));
  });
});
