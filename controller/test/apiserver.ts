/** An API server in this process, over real http: lists, watches, patches, and on command the hiccups of a real one. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import type { At, Thing, Told } from './store';
import { merged, Refusal, Store } from './store';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly contentType: string | undefined;
  readonly body: unknown;
}

interface Place {
  readonly collection: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

interface Watcher {
  readonly place: Place;
  readonly query: URLSearchParams;
  readonly response: ServerResponse;
}

const PATH = /^\/(api|apis\/[^/]+)\/([^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/;

function placeOf(path: string): Place {
  const [, base, version, namespace, plural, name, subresource] = PATH.exec(path) ?? [];
  if (base === undefined) throw new Refusal(404, 'NotFound', `no path ${path}`);
  return { collection: `${base}/${version}/${plural}`, namespace, name, subresource };
}

/** Equality and existence for labels, equality for fields: what our controllers ask for. */
function selected(object: Thing, query: URLSearchParams): boolean {
  const labels = query.get('labelSelector')?.split(',') ?? [];
  const fields = query.get('fieldSelector')?.split(',') ?? [];
  const field = (path: string): unknown =>
    path.split('.').reduce<unknown>((o, part) => (o as Record<string, unknown> | undefined)?.[part], object);
  const fits = (get: (name: string) => unknown) => (term: string) => {
    const [name = '', value] = term.split('=');
    return value === undefined ? get(name) !== undefined : get(name) === value;
  };
  return labels.every(fits((name) => object.metadata.labels?.[name])) && fields.every(fits(field));
}

export class ApiServer {
  readonly store = new Store((told) => this.#tell(told));
  readonly seen: Seen[] = [];
  /** What a mutating webhook makes of an object that is created. */
  admit: (object: Thing) => Thing = (object) => object;
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));
  readonly #sockets = new Set<Socket>();
  readonly #watchers = new Set<Watcher>();
  #oldest = 0;
  #failures: { readonly code: number; readonly method: string; left: number } | undefined;
  #held: Promise<void> | undefined;
  #port = 0;

  async listen(): Promise<void> {
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  get config(): KubeConfig {
    const config = new KubeConfig();
    const server = `http://127.0.0.1:${this.#port}`;
    config.loadFromClusterAndUser({ name: 'c', server, skipTLSVerify: true }, { name: 'u' });
    return config;
  }

  get watches(): number {
    return this.#watchers.size;
  }

  seenWith(method: string): readonly Seen[] {
    return this.seen.filter((s) => s.method === method);
  }

  lists(): number {
    return this.seenWith('GET').filter((s) => !s.query.has('watch') && !placeOf(s.path).name).length;
  }

  watchRequests(): number {
    return this.seenWith('GET').filter((s) => s.query.has('watch')).length;
  }

  /** Every connection ends with a TCP reset. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Every watch ends as a real server's does after some minutes. */
  endWatches(): void {
    for (const { response } of this.#watchers) response.end();
    this.#watchers.clear();
  }

  /** Forgets all versions up to now, so that a watch from one of them is answered 410. */
  compact(): void {
    this.#oldest = this.store.version + 1;
    this.store.version++;
  }

  /** Says 410 in the running streams, and ends them. */
  expireWatches(): void {
    const object = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
    for (const { response } of this.#watchers) response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
    this.#watchers.clear();
  }

  failNext(method: string, code: number, times = 1): void {
    this.#failures = { method, code, left: times };
  }

  /** Answers nothing until the returned function is called. */
  hold(): () => void {
    let release = () => {};
    this.#held = new Promise((resolve) => (release = resolve));
    return () => {
      this.#held = undefined;
      release();
    };
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.reset();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = new URL(request.url ?? '/', 'http://server');
      const body = await read(request);
      const method = request.method ?? '';
      const contentType = request.headers['content-type'];
      this.seen.push({ method, path: url.pathname, query: url.searchParams, contentType, body });
      await this.#held;
      this.#fail(method);
      const place = placeOf(url.pathname);
      if (url.searchParams.has('watch')) return this.#watch(place, url.searchParams, response);
      send(
        response,
        method === 'POST' ? 201 : 200,
        this.#do(method, place, url.searchParams, contentType, body),
      );
    } catch (error) {
      const { code, reason } = error instanceof Refusal ? error : { code: 500, reason: 'InternalError' };
      send(response, code, { kind: 'Status', status: 'Failure', code, reason, message: String(error) });
    }
  }

  #fail(method: string): void {
    const plan = this.#failures;
    if (!plan || plan.method !== method || plan.left-- <= 0) return;
    throw new Refusal(plan.code, 'Injected', `injected ${plan.code}`);
  }

  #do(
    method: string,
    place: Place,
    query: URLSearchParams,
    type: string | undefined,
    body: unknown,
  ): unknown {
    const { collection, namespace, name, subresource } = place;
    if (name === undefined) {
      if (method === 'POST') {
        const admitted = this.admit(body as Thing);
        return query.has('dryRun') ? admitted : this.store.create(collection, namespace, admitted);
      }
      const all = this.store.list(collection).filter((o) => within(o, place) && selected(o, query));
      return { kind: 'List', ...page(all, query, String(this.store.version)) };
    }
    const at = { collection, namespace, name };
    if (method === 'DELETE') return this.store.delete(at);
    if (method === 'PUT') return this.store.change(at, subresource, () => body as Thing);
    if (method === 'PATCH') return this.#patch(at, subresource, type, body as Thing);
    const found = this.store.get(at);
    if (!found) throw new Refusal(404, 'NotFound', `${name} not found`);
    return found;
  }

  #patch(at: At, subresource: string | undefined, type: string | undefined, body: Thing): Thing {
    const apply = type === 'application/apply-patch+yaml';
    const byType = apply || type === 'application/strategic-merge-patch+json';
    if (!byType && type !== 'application/merge-patch+json')
      throw new Refusal(415, 'UnsupportedMediaType', `patch of ${type}`);
    if (apply && !this.store.get(at) && subresource === undefined)
      return this.store.create(at.collection, at.namespace, body);
    const old = this.store.get(at);
    return this.store.change(at, subresource, () => merged(old, body, byType) as Thing);
  }

  #watch(place: Place, query: URLSearchParams, response: ServerResponse): void {
    const from = Number(query.get('resourceVersion') ?? 0);
    if (from < this.#oldest) throw new Refusal(410, 'Expired', 'too old resource version');
    const watcher = { place, query, response };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    for (const told of this.store.history) if (told.version > from) write(watcher, told);
    this.#watchers.add(watcher);
    response.once('close', () => this.#watchers.delete(watcher));
  }

  #tell(told: Told): void {
    for (const watcher of this.#watchers) write(watcher, told);
  }
}

/** The token of the next page is where it begins. */
function page(all: readonly Thing[], query: URLSearchParams, resourceVersion: string) {
  const from = Number(query.get('continue') ?? 0);
  const to = from + Number(query.get('limit') ?? all.length);
  const metadata = { resourceVersion, ...(to < all.length ? { continue: String(to) } : {}) };
  return { metadata, items: all.slice(from, to) };
}

const within = (object: Thing, { namespace }: Place): boolean =>
  namespace === undefined || object.metadata.namespace === namespace;

function write({ place, query, response }: Watcher, { collection, type, object }: Told): void {
  if (collection !== place.collection || !within(object, place) || !selected(object, query)) return;
  response.write(`${JSON.stringify({ type, object })}\n`);
}

async function read(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return parts.length === 0 ? undefined : JSON.parse(Buffer.concat(parts).toString());
}

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
