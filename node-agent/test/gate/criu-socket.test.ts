import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CriuSocket } from '../../src/gate/criu-socket';

let work: string;
beforeEach(() => {
  // Longer than the address of a socket may be.
  work = join(mkdtempSync(join(tmpdir(), 'gate-')), 'x'.repeat(120));
  mkdirSync(work);
});
afterEach(() => rmSync(work, { recursive: true }));

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};
const ZOMBIE = number(-7);
const FINISHED = number(0x52535446);

/** A CRIU that has no descriptors to give, from within its working directory. */
async function criu(...messages: readonly Buffer[]): Promise<void> {
  const before = process.cwd();
  process.chdir(work);
  const client = connect('lazy-pages.socket');
  await once(client, 'connect');
  process.chdir(before);
  for (const message of messages) client.write(message);
  client.end();
  await once(client, 'close');
}

describe('CriuSocket', () => {
  it('hears of tasks without memory, and of the end', async () => {
    const socket = new CriuSocket(work);
    socket.serve();
    await criu(ZOMBIE, ZOMBIE, FINISHED);
    expect((await socket.end()).size).toBe(0);
  });

  it('ends where CRIU has not come, and leaves nothing', async () => {
    const socket = new CriuSocket(work);
    socket.serve();
    expect((await socket.end()).size).toBe(0);
    expect(existsSync(join(work, 'lazy-pages.socket'))).toBe(false);
  });

  it('takes the place of one that an earlier attempt has left', async () => {
    const before = new CriuSocket(work);
    const socket = new CriuSocket(work);
    socket.serve();
    await criu(FINISHED);
    await socket.end();
    await before.end();
  });

  it('keeps no process that ends meanwhile', () => {
    const { status, signal } = spawnSync(
      process.execPath,
      ['--require', 'tsx/cjs', join(__dirname, 'serves.ts'), work],
      { timeout: 10_000 },
    );
    expect({ status, signal }).toEqual({ status: 3, signal: null });
  });
});
