import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { once } from 'node:events';
import { checkpointOf, placeholder } from '../workload';
import { World } from '../world';

/** The worker, with a listener at its pod IP, an abstract one, and a connection between two of its own sockets that has bytes in flight. */
const connected = {
  command: [
    'python3',
    '-u',
    '-c',
    [
      'import socket, threading',
      "inner = socket.create_server(('127.0.0.1', 7000))",
      "near = socket.create_connection(('127.0.0.1', 7000)); far, _ = inner.accept()",
      "near.sendall(b'sent before\\n')",
      'heard = far.makefile()',
      "bus = socket.socket(socket.AF_UNIX); bus.bind('\\0connections'); bus.listen()",
      'def local():',
      '    try:',
      "        near.sendall(b'sent after\\n'); return heard.readline().strip() or 'closed'",
      "    except OSError: return 'closed'",
      'def serve(client):',
      '    for line in client.makefile():',
      "        client.sendall(((local() if line.strip() == 'local' else 'echo ' + line.strip()) + '\\n').encode())",
      'def listen():',
      '    server = socket.create_server((socket.gethostbyname(socket.gethostname()), 9000))',
      '    while True: threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()',
      'threading.Thread(target=listen, daemon=True).start()',
      "exec(open('/app/server.py').read())",
    ].join('\n'),
  ],
};

async function ask(socket: Socket, line: string): Promise<string> {
  const answer = once(socket, 'data', { signal: AbortSignal.timeout(10_000) }) as Promise<[Buffer]>;
  socket.write(`${line}\n`);
  return (await answer)[0].toString().trim();
}

async function dial(ip: string): Promise<Socket> {
  const socket = connect(9000, ip);
  await once(socket, 'connect', { signal: AbortSignal.timeout(10_000) });
  return socket;
}

describe('connections of a restored worker', () => {
  const world = new World();
  const sockets: Socket[] = [];
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await world.clean();
  });

  it.each([
    ['close', 'they are closed', ['closed']],
    [
      'keep-local',
      'those between its own processes live on, with what was in flight',
      ['sent before', 'sent after'],
    ],
  ])(
    '%s: %s; the source keeps all of its own, and sockets at its pod IP are at the new one',
    async (tcp, _, local) => {
      const name = `connections-${tcp}`;
      const { ip } = await world.serving({ name, node: world.nodeA, container: connected });
      const client = await dial(ip);
      sockets.push(client);
      expect(await ask(client, 'before')).toBe('echo before');
      const { spec, ...object } = checkpointOf(name, name) as ReturnType<typeof checkpointOf> & {
        spec: object;
      };
      await world.make({ ...object, spec: { ...spec, capture: { tcp } } });
      await world.checkpointReady(name);
      expect(await ask(client, 'after')).toBe('echo after');

      await world.make(placeholder({ name: `${name}-clone`, node: world.nodeB, checkpoint: name }));
      const { status } = await world.ready(`${name}-clone`);
      const clone = await dial(status.podIP);
      sockets.push(clone);
      for (const expected of local) expect(await ask(clone, 'local')).toBe(expected);
      expect(await ask(clone, 'hello')).toBe('echo hello');
      expect(await ask(client, 'still there')).toBe('echo still there');
    },
  );
});
