/** As much of an API server as an agent needs: the list, watch and status of one SnapshotAssignment. */
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AssignmentStatus, SnapshotAssignment } from '@dynamo-snapshot/api/assignment';

export class ApiServer {
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));
  readonly #watches = new Set<ServerResponse>();
  #version = 1;
  readonly #events: { readonly version: number; readonly line: string }[] = [];
  object: SnapshotAssignment | undefined;
  /** Field manager of each write. */
  readonly writes: (string | null)[] = [];
  readonly selectors: (string | null)[] = [];

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Keeps the status where the new object has none, as a write of the spec does. */
  put(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: SnapshotAssignment): void {
    this.#version += 1;
    const status = object.status ?? this.object?.status;
    const metadata = { ...object.metadata, resourceVersion: String(this.#version) };
    const stored = { ...object, metadata, ...(status ? { status } : {}) };
    this.object = type === 'DELETED' ? undefined : stored;
    const line = `${JSON.stringify({ type, object: stored })}\n`;
    this.#events.push({ version: this.#version, line });
    for (const watch of this.#watches) watch.write(line);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    response.setHeader('content-type', 'application/json');
    if (request.method === 'PATCH') {
      const { status } = JSON.parse((await request.toArray()).join('')) as { status: AssignmentStatus };
      this.writes.push(url.searchParams.get('fieldManager'));
      if (this.object !== undefined) this.put('MODIFIED', { ...this.object, status });
      response.end(JSON.stringify(this.object ?? {}));
      return;
    }
    this.selectors.push(url.searchParams.get('fieldSelector'));
    if (url.searchParams.get('watch'))
      return this.#watch(response, Number(url.searchParams.get('resourceVersion')));
    const items = this.object ? [this.object] : [];
    response.end(JSON.stringify({ metadata: { resourceVersion: String(this.#version) }, items }));
  }

  /** Begins with what has happened since the list. */
  #watch(response: ServerResponse, since: number): void {
    this.#watches.add(response);
    response.on('close', () => this.#watches.delete(response));
    response.flushHeaders();
    for (const { version, line } of this.#events) if (version > since) response.write(line);
  }
}
