import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Steps } from '../../src/engine-io';
import { engineConfig } from '../../src/config';
import { Pool } from '../../src/memory/pool';
import { check } from '../../src/restore/check';
import { openArtifact } from '../../src/store/directory';
import { refuseFaulty } from '../../src/store/verify';
import type { Made } from '../store/artifact';
import { makeArtifact, NO_KEYS } from '../store/artifact';

let pool: Pool;
let made: Made;
beforeAll(async () => {
  pool = new Pool(2);
  made = await makeArtifact(pool);
});
afterAll(async () => {
  made.clean();
  await pool.close();
});

/** Everything that a restore looks at before it makes a process. */
async function checked(verifyFirst: 'true' | 'false') {
  const config = engineConfig({ SNAPSHOT_VERIFY_FIRST: verifyFirst });
  const steps = new Steps(() => {}, new AbortController().signal);
  const artifact = await openArtifact(made.dir, undefined, NO_KEYS);
  return (await check(artifact, NO_KEYS, pool, { steps, config })).verified;
}

/** Done twice it changes nothing. */
function flip(file: string): void {
  const fd = openSync(join(made.dir, file), 'r+');
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, 4321);
  writeSync(fd, Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, 4321);
  closeSync(fd);
}

it.each(['true', 'false'] as const)('an artifact as it was made is used (verifyFirst %s)', async (first) => {
  const verified = await checked(first);
  expect(verified.faults).toEqual([]);
  expect(verified.index).toBeDefined();
});

describe('one byte of a shard is another', () => {
  beforeAll(() => flip('pages/shard-0'));
  afterAll(() => flip('pages/shard-0'));

  it('is refused with the name of the shard before there is a process, where that is asked for', async () => {
    const verified = await checked('true');
    expect(verified.faults).toEqual([expect.stringContaining('pages/shard-0')]);
    expect(() => refuseFaulty(verified)).toThrow(/pages\/shard-0/);
  });

  it('is found when it is filled in otherwise', async () => {
    expect((await checked('false')).faults).toEqual([]);
  });
});

it('another file than a shard is refused before there is a process in any case', async () => {
  flip('rootfs.tar');
  for (const first of ['true', 'false'] as const)
    expect((await checked(first)).faults).toEqual([expect.stringContaining('rootfs.tar')]);
  flip('rootfs.tar');
});
