import { placeholder, state } from '../workload';
import { World } from '../world';

/** The worker, with a thread that reads its terminal. */
const listening = {
  tty: true,
  stdin: true,
  command: [
    'python3',
    '-u',
    '-c',
    [
      'import sys, threading',
      'def hear():',
      "    for line in sys.stdin: print('heard: ' + line.strip(), flush=True)",
      "    print('end of input', flush=True)",
      'threading.Thread(target=hear, daemon=True).start()',
      "exec(open('/app/server.py').read())",
    ].join('\n'),
  ],
};

describe('a worker with a terminal', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('goes on reading and writing it in its clone', async () => {
    const source = await world.serving({ name: 'terminal', node: world.nodeA, container: listening });
    await world.captured('terminal', 'terminal');
    await world.make(
      placeholder({
        name: 'terminal-clone',
        node: world.nodeB,
        checkpoint: 'terminal',
        container: { tty: true, stdin: true },
      }),
    );
    const { status } = await world.ready('terminal-clone');
    expect((await state(status.podIP)).ticks).toBeGreaterThanOrEqual(source.state.ticks);
    const terminal = world.kube.attach('terminal-clone');
    try {
      terminal.type('good morning\n');
      await world.kube.heard('terminal-clone', /heard: good morning/);
    } finally {
      await terminal.close();
    }
    expect(await world.kube.logs('terminal-clone')).not.toContain('end of input');
  });
});
