import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { becomes } from '../faults/lab';
import { asking } from '../workload';
import { World } from '../world';

/** Above what the agent reads into memory: such files are verified where they lie, and mounted for CRIU. */
const LARGE_BYTES = 64 << 20;
const MIB = 80;

/** Four large files that nobody else has: unlinked while it is open, in shared memory, on the root file system, on a volume. */
const code = `
import hashlib, json, os, threading, time
def fill(path):
    f = open(path, 'wb+', buffering=0)
    for _ in range(${MIB}): f.write(os.urandom(1 << 20))
    return f
places = {'unlinked': '/var/tmp/unlinked', 'memory': '/dev/shm/large', 'root': '/var/tmp/large', 'volume': '/data/large'}
files = {name: fill(path) for name, path in places.items()}
os.unlink(places['unlinked'])
def digest(f):
    f.seek(0)
    return hashlib.sha256(f.read()).hexdigest()
def told():
    return json.dumps({name: digest(f) for name, f in files.items()})
def answer():
    while True:
        time.sleep(0.1)
        if os.path.exists('/data/ask'):
            os.unlink('/data/ask')
            with open('/data/part', 'w') as out: out.write(told())
            os.rename('/data/part', '/data/told')
threading.Thread(target=answer, daemon=True).start()
exec(open('/app/server.py').read())
`;

describe('files that are too large to be read into memory', () => {
  const world = new World();
  afterAll(() => world.clean());
  const options = {
    env: { MODEL_MB: '16' },
    // So much is packed while it stands still that a busy machine would not be done within its probe's patience.
    container: { command: ['python3', '-u', '-c', code], livenessProbe: undefined },
    volumes: [{ name: 'shm', emptyDir: { medium: 'Memory' } }],
    mounts: [{ name: 'shm', mountPath: '/dev/shm' }],
  };

  /** Its own words: it reads the files that it holds open. */
  async function digests(pod: string): Promise<string> {
    await world.kube.exec(pod, ['sh', '-c', 'rm -f /data/told; touch /data/ask']);
    let told = '';
    const answers = async () => {
      const { code: exit, stdout } = await world.kube.exec(pod, ['cat', '/data/told']);
      told = stdout;
      return exit === 0;
    };
    expect(await becomes(answers, 30)).toBe(true);
    return told;
  }

  it('come back to the byte, wherever CRIU or we have put them', async () => {
    await world.serving({ name: 'large', node: world.nodeA, ...options });
    const before = await digests('large');
    expect(Object.keys(JSON.parse(before) as object)).toEqual(['unlinked', 'memory', 'root', 'volume']);
    const { status } = await world.captured('large', 'large', 120);
    expect(await digests('large')).toBe(before);

    const artifact = join(world.sharedDir, status?.location ?? '');
    const large = readdirSync(artifact, { recursive: true, encoding: 'utf8' })
      .filter((path) => !path.startsWith('pages/'))
      .filter((path) => statSync(join(artifact, path)).size > LARGE_BYTES);
    expect(large.sort()).toEqual([
      expect.stringMatching(/^criu\/ghost-file-/),
      expect.stringMatching(/^criu\/tmpfs-/),
      'rootfs.tar',
      expect.stringMatching(/^volumes\//),
    ]);

    await world.make(asking({ name: 'large-clone', node: world.nodeB, checkpoint: 'large', ...options }));
    await world.ready('large-clone', 120);
    await world.told('large-clone', 'True', 'RestoreSucceeded');
    expect(await digests('large-clone')).toBe(before);
  });
});
