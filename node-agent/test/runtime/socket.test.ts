import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answers, runtimeLost, socketPath } from '../../src/runtime/socket';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'socket-'));
  path = join(dir, 'runtime.sock');
});
afterEach(() => rmSync(dir, { recursive: true }));

async function runtime(): Promise<() => Promise<void>> {
  const server = createServer().listen(path);
  await once(server, 'listening');
  return async () => {
    server.close();
    await once(server, 'close');
  };
}

describe('the socket of the runtime', () => {
  it('is a path without the scheme', () => {
    expect(socketPath('unix:///run/x.sock')).toBe('/run/x.sock');
  });

  it('answers while the runtime listens, and not after it', async () => {
    expect(await answers(path)).toBe(false);
    const stop = await runtime();
    expect(await answers(path)).toBe(true);
    await stop();
    expect(await answers(path)).toBe(false);
  });

  it('is lost when it refuses again and again, not when it is back in between', async () => {
    const stop = await runtime();
    let lost = false;
    const losing = runtimeLost(path, 30).then(() => (lost = true));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(lost).toBe(false);
    await stop();
    await losing;
    expect(lost).toBe(true);
  });
});
