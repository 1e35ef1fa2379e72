/** The HTTPS server that API servers ask. It answers from the caches; nothing is written, so a dry run is like any other. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { explain } from '@dynamo-snapshot/api/errors';
import type { Log } from '@dynamo-snapshot/controller/log';
import type { Certificates } from './certificate';
import type { AdmissionResponse } from './review';
import { review } from './review';

/** Body of an AdmissionReview -> our answer. */
export type Answer = (body: string) => AdmissionResponse | Promise<AdmissionResponse>;

export type Routes = Readonly<Record<string, Answer>>;

/** The API server's own limit of an object is 3 MiB, and an update carries two (apiserver MaxRequestBodyBytes). */
const LARGEST_BODY = 8 << 20;

export class WebhookServer {
  readonly #server: Server;
  readonly #log: Log;
  #serving: Certificates;

  private constructor(server: Server, serving: Certificates, log: Log) {
    this.#server = server;
    this.#serving = serving;
    this.#log = log;
  }

  static async listen(
    port: number,
    certificates: Certificates,
    routes: Routes,
    log: Log,
  ): Promise<WebhookServer> {
    const server = createServer(tls(certificates), (request, response) => {
      void respond(request, response, routes, log);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, resolve);
    });
    return new WebhookServer(server, certificates, log);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** New connections get the new certificate. */
  serve(certificates: Certificates): void {
    if (certificates.certificate === this.#serving.certificate) return;
    this.#server.setSecureContext(tls(certificates));
    this.#serving = certificates;
    this.#log.info('serving a new certificate');
  }

  /** API servers keep their connections; those that are idle end now, the others with their answer. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }
}

const tls = ({ certificate, key }: Certificates) => ({
  cert: certificate,
  key,
  minVersion: 'TLSv1.2' as const,
});

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Routes,
  log: Log,
): Promise<void> {
  const path = request.url?.split('?')[0] ?? '';
  const answer = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (answer === undefined || request.method !== 'POST')
    return send(response, 404, { error: 'no such path' });
  try {
    send(response, 200, review(await answer(await bodyOf(request))));
  } catch (error) {
    log.warn(`${path}: ${explain(error)}`);
    send(response, 400, { error: explain(error) });
  }
}

function send(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > LARGEST_BODY) throw new Error(`the body is larger than ${LARGEST_BODY} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}
