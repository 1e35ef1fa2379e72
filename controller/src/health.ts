/** /healthz (the process runs), /readyz (it can do its work), /metrics. */
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Registry } from 'prom-client';

export interface HealthOptions {
  readonly port: number;
  /** true, or why not. */
  readonly ready: () => true | string;
  /** Where metrics were registered before; a new one else. */
  readonly registry?: Registry;
  /** Called before the metrics are read: gauges of what is there now are set here. */
  readonly onScrape?: () => void;
}

export interface Health {
  readonly port: number;
  readonly registry: Registry;
  close(): Promise<void>;
}

export async function startHealth({
  port,
  ready,
  onScrape,
  registry = new Registry(),
}: HealthOptions): Promise<Health> {
  collectDefaultMetrics({ register: registry });
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/healthz') return answer(response, 200, 'ok\n');
    if (path === '/readyz') {
      const state = ready();
      return answer(response, state === true ? 200 : 503, state === true ? 'ok\n' : `${state}\n`);
    }
    if (path !== '/metrics') return answer(response, 404, 'no such path\n');
    onScrape?.();
    registry.metrics().then(
      (text) => answer(response, 200, text, registry.contentType),
      (error: unknown) => answer(response, 500, `${String(error)}\n`),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    registry,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function answer(response: ServerResponse, code: number, text: string, type = 'text/plain'): void {
  response.writeHead(code, { 'content-type': type });
  response.end(text);
}
