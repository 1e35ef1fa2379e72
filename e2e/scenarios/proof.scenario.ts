import { checkpointOf, placeholder, state } from '../workload';
import type { CheckpointObject, PodStatus } from '../world';
import { World } from '../world';

interface Receipt {
  readonly artifactDigest: string;
  readonly hostPid: number;
  readonly tree: readonly { hostPid: number; startTime: string; pid: number; name: string }[];
  readonly proof: Readonly<Record<string, number>>;
  readonly notes?: readonly string[];
}

async function receiptOf(world: World, podUid: string): Promise<Receipt> {
  const all = await world.kube.list<{ spec: { pod?: { uid: string } }; status?: { receipt?: Receipt } }>(
    'snapshotassignments',
  );
  const receipt = all.find((a) => a.spec.pod?.uid === podUid)?.status?.receipt;
  if (receipt === undefined) throw new Error(`no assignment of pod ${podUid} has a receipt`);
  return receipt;
}

/** Python that does something, then becomes the worker. */
const worker = (...lines: readonly string[]) => ({
  command: ['python3', '-u', '-c', [...lines, "exec(open('/app/server.py').read())"].join('\n')],
});

describe('the proof of a restore', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('names every restored process, and what was dumped is there: limits, locks, listeners', async () => {
    const locks = worker(
      'import fcntl, resource, socket',
      'resource.setrlimit(resource.RLIMIT_NOFILE, (321, 654))',
      "posix = open('/data/posix', 'w'); fcntl.lockf(posix, fcntl.LOCK_EX)",
      "flock = open('/data/flock', 'w'); fcntl.flock(flock, fcntl.LOCK_EX)",
      "abstract = socket.socket(socket.AF_UNIX); abstract.bind('\\0proof'); abstract.listen()",
    );
    await world.serving({ name: 'proof', node: world.nodeA, container: locks });
    const checkpoint = await world.captured('proof', 'proof');
    await world.make(placeholder({ name: 'proof-clone', node: world.nodeB, checkpoint: 'proof' }));
    const { status, metadata } = await world.ready('proof-clone');
    expect((await state(status.podIP)).modelIntact).toBe(true);

    const receipt = await receiptOf(world, metadata.uid);
    expect(receipt.artifactDigest).toBe(checkpoint.status?.artifact?.digest);
    expect(receipt.proof).toMatchObject({ processes: 2, listening: 2, locks: 2 });
    expect(receipt.tree).toHaveLength(2);
    const read = (pid: number | string, file: string) => world.readOn(world.nodeB, `/proc/${pid}/${file}`);
    const [, standby = ''] = /^PPid:\s+(\d+)/m.exec(await read(receipt.hostPid, 'status')) ?? [];
    const score = await read(standby, 'oom_score_adj');
    for (const { hostPid, startTime, name } of receipt.tree) {
      const stat = await read(hostPid, 'stat');
      expect(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]).toBe(startTime);
      expect(await read(hostPid, 'comm')).toBe(`${name}\n`);
      expect(await read(hostPid, 'limits')).toMatch(/Max open files +321 +654 /);
      expect(await read(hostPid, 'oom_score_adj')).toBe(score);
    }
    const taken = await world.kube.exec('proof-clone', [
      'python3',
      '-c',
      "import fcntl; fcntl.lockf(open('/data/posix', 'w'), fcntl.LOCK_EX | fcntl.LOCK_NB)",
    ]);
    expect(taken.stderr).toContain('BlockingIOError');
  });

  it('a lock that a restore would lose without a word is refused before the source is touched', async () => {
    const mapped = worker(
      'import fcntl, mmap',
      "db = open('/data/db', 'w+'); db.write('x' * 4096); db.flush()",
      'pages = mmap.mmap(db.fileno(), 4096)',
      'fcntl.lockf(db, fcntl.LOCK_EX)',
    );
    await world.serving({ name: 'lossy', node: world.nodeA, container: mapped });
    await world.make(checkpointOf('lossy', 'lossy'));
    await world.kube.wait('dynamocheckpoint', 'lossy', 'jsonpath={.status.phase}=Failed', 60);
    const { status } = await world.kube.get<CheckpointObject>('dynamocheckpoint', 'lossy');
    expect(status?.message).toContain('POSIX lock on /data/db');
    const pod = await world.kube.get<PodStatus>('pod', 'lossy');
    expect(pod.status.containerStatuses?.[0]?.restartCount).toBe(0);
  });
});
