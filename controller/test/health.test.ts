import { connect } from 'node:net';
import { Counter, Gauge } from 'prom-client';
import type { Health } from '../src/health';
import { startHealth } from '../src/health';

let health: Health | undefined;
let ready: true | string;

beforeEach(async () => {
  ready = 'the objects are not watched yet';
  health = await startHealth({ port: 0, ready: () => ready });
});

afterEach(() => health?.close());

async function ask(path: string) {
  const response = await fetch(`http://127.0.0.1:${health?.port}${path}`);
  return { status: response.status, text: await response.text(), type: response.headers.get('content-type') };
}

it('is alive while it is not ready, and says why it is not', async () => {
  expect(await ask('/healthz')).toMatchObject({ status: 200, text: 'ok\n' });
  expect(await ask('/readyz')).toMatchObject({ status: 503, text: 'the objects are not watched yet\n' });
});

it('is ready as soon as it says so', async () => {
  ready = true;
  expect(await ask('/readyz?verbose')).toMatchObject({ status: 200, text: 'ok\n' });
});

it('serves the metrics of the process and those registered later', async () => {
  new Counter({ name: 'captures_total', help: 'h', registers: health ? [health.registry] : [] }).inc(3);
  const { status, text, type } = await ask('/metrics');
  expect(status).toBe(200);
  expect(type).toContain('text/plain');
  expect(text).toContain('captures_total 3');
  expect(text).toContain('process_resident_memory_bytes');
});

it('answers 500 when a metric cannot be collected', async () => {
  const collect = () => {
    throw new Error('no figure');
  };
  new Gauge({ name: 'broken', help: 'h', collect, registers: health ? [health.registry] : [] });
  const response = await fetch(`http://127.0.0.1:${health?.port}/metrics`, {
    signal: AbortSignal.timeout(1000),
  });
  expect(response.status).toBe(500);
});

it('knows no other path', async () => {
  expect((await ask('/')).status).toBe(404);
});

it('rejects when the port is taken', async () => {
  await expect(startHealth({ port: health?.port ?? 0, ready: () => true })).rejects.toThrow('EADDRINUSE');
});

it('closes although a client keeps its connection', async () => {
  const socket = connect(health?.port ?? 0, '127.0.0.1');
  socket.write('GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n');
  await new Promise((resolve) => socket.once('data', resolve));
  await health?.close();
  health = undefined;
  socket.destroy();
  expect(socket.destroyed).toBe(true);
});
