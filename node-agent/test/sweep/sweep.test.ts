/** A store in a folder and an API server over http: what a sweep leaves, and who may do it. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fieldManager } from '@dynamo-snapshot/api/names';
import { Api } from '@dynamo-snapshot/controller/api';
import { silent } from '@dynamo-snapshot/controller/log';
import { makeMetrics } from '@dynamo-snapshot/controller/metrics';
import { Registry } from 'prom-client';
import { ApiServer } from '../../../controller/test/apiserver';
import { until } from '../../../controller/test/until';
import type { SweeperParts } from '../../src/sweep/sweep';
import { sweep, sweeping } from '../../src/sweep/sweep';
import { Turn } from '../../src/sweep/turn';
import { manifestOf } from '../journal/manifest';

const HASH = 'a'.repeat(16);
const GRACE = 3_600_000;
const uidOf = (n: number): string => `${String(n).repeat(8)}-2222-3333-4444-555555555555`;
const OURS = 'apis/nvidia.com/v1alpha1';
const LEASES = 'apis/coordination.k8s.io/v1/leases';

let server: ApiServer;
let store: string;
let now: number;
const signal = new AbortController().signal;

beforeEach(async () => {
  server = new ApiServer();
  await server.listen();
  store = mkdtempSync(join(tmpdir(), 'sweep-'));
  // Files are as old as they are; the clock of the test goes on.
  now = Date.now() + 2 * GRACE;
});
afterEach(async () => {
  rmSync(store, { recursive: true });
  await server.close();
});

const folder = (name: string, namespace = 'ns'): string => join(store, namespace, HASH, name);

function artifact(uid: string, namespace = 'ns'): string {
  const dir = folder(uid, namespace);
  mkdirSync(dir, { recursive: true });
  const manifest = manifestOf({ namespace, identityHash: HASH, uid }, 'c');
  writeFileSync(join(dir, 'manifest.json'), JSON.stringify(manifest));
  writeFileSync(join(dir, 'rootfs.tar'), 'x');
  return dir;
}

const checkpoint = (name: string, status: object, namespace = 'ns') =>
  server.store.create(`${OURS}/dynamocheckpoints`, namespace, { metadata: { name }, spec: {}, status });
const assignment = (name: string, uid: string) =>
  server.store.create(`${OURS}/snapshotassignments`, 'ns', {
    metadata: { name },
    spec: { artifact: { uid } },
  });

const parts = (more: Partial<SweeperParts> = {}): SweeperParts => ({
  api: new Api(server.config, fieldManager.agent),
  store,
  log: silent,
  metrics: makeMetrics(new Registry(), 'agent'),
  clock: { now: () => now },
  config: { everyMs: GRACE, graceMs: GRACE },
  watchNamespace: 'ns',
  ownNamespace: 'ns',
  holder: 'me',
  random: () => 0,
  ...more,
});
const yes = () => Promise.resolve(true);
const mark = (dir: string): string => join(dir, 'orphaned');
const aged = (file: string, ms: number): void => utimesSync(file, (now - ms) / 1000, (now - ms) / 1000);

it('removes an orphan when it has been one for long, and nothing else', async () => {
  const [orphan = '', current = '', retired = '', captured = '', retained = ''] = [1, 2, 3, 4, 5].map((n) =>
    artifact(uidOf(n)),
  );
  checkpoint('one', { artifact: { uid: uidOf(2) }, retired: [{ uid: uidOf(3) }] });
  assignment('capture-two', uidOf(4));
  writeFileSync(join(retained, 'retained'), '');
  const unreadable = folder(uidOf(6));
  mkdirSync(unreadable);
  writeFileSync(join(unreadable, 'manifest.json'), '{"version": 3}');
  const [staging, deleting, foreign] = [`.staging-${uidOf(7)}`, `.deleting-${uidOf(8)}`, 'lost+found'].map(
    made,
  );
  const staying = [current, retired, captured, retained, unreadable, foreign ?? ''];
  const swept = parts();

  await sweep(swept, yes, signal);
  expect([staging, deleting].map((dir) => existsSync(dir ?? ''))).toEqual([false, false]);
  expect([orphan, ...staying].filter((dir) => existsSync(mark(dir)))).toEqual([orphan]);

  aged(mark(orphan), GRACE - 1000);
  await sweep(swept, yes, signal);
  expect(existsSync(orphan)).toBe(true);
  aged(mark(orphan), GRACE);
  await sweep(swept, yes, signal);
  expect([orphan, ...staying].filter((dir) => existsSync(dir))).toEqual(staying);
  expect((await swept.metrics.swept.get()).values).toMatchObject([{ value: 3 }]);
});

const made = (name: string): string => {
  mkdirSync(folder(name), { recursive: true });
  return folder(name);
};

it('takes the mark off what has an owner again', async () => {
  const dir = artifact(uidOf(1));
  await sweep(parts(), yes, signal);
  expect(existsSync(mark(dir))).toBe(true);
  checkpoint('one', { artifact: { uid: uidOf(1) } });
  await sweep(parts(), yes, signal);
  expect([existsSync(dir), existsSync(mark(dir))]).toEqual([true, false]);
});

it('leaves a namespace alone of which the API server says nothing, and looks at the others', async () => {
  const [first, second] = ['first', 'second'].map((ns) => artifact(uidOf(1), ns)) as [string, string];
  server.failNext('GET', 403);
  await sweep(parts({ watchNamespace: '' }), yes, signal);
  expect([existsSync(mark(first)), existsSync(mark(second))].sort()).toEqual([false, true]);
});

it('removes nothing when its turn is over', async () => {
  const dir = artifact(uidOf(1));
  await sweep(parts(), yes, signal);
  aged(mark(dir), GRACE);
  await sweep(parts(), () => Promise.resolve(false), signal);
  expect(existsSync(dir)).toBe(true);
});

describe('the turn', () => {
  const turnOf = (holder: string) => new Turn({ ...parts({ holder }), namespace: 'ns', everyMs: GRACE });

  it('is one agent at a time', async () => {
    const turns = [turnOf('a'), turnOf('b'), turnOf('c')];
    const taken = await Promise.all(turns.map((turn) => turn.take()));
    expect(taken.filter(Boolean)).toHaveLength(1);
  });

  it('comes again when its time has, and not before', async () => {
    expect(await turnOf('a').take()).toBe(true);
    await turnOf('a').end();
    expect(await turnOf('b').take()).toBe(false);
    now += GRACE;
    expect(await turnOf('b').take()).toBe(true);
  });

  it('of one that died is taken over, and he knows', async () => {
    const dead = turnOf('a');
    await dead.take();
    now += GRACE;
    expect(await turnOf('b').take()).toBe(true);
    expect(await dead.keep()).toBe(false);
    await dead.end();
    expect(await turnOf('c').take()).toBe(false);
  });

  it('is taken by agents that run, and given back', async () => {
    const stop = new AbortController();
    const dir = artifact(uidOf(1));
    const running = sweeping(parts({ config: { everyMs: 20, graceMs: GRACE } }), stop.signal);
    await until('the orphan is marked', () => existsSync(mark(dir))).finally(() => stop.abort());
    await running;
    const lease = server.store.get({ collection: LEASES, namespace: 'ns', name: 'snapshot-sweep' });
    expect(lease).toMatchObject({ spec: { holderIdentity: '' } });
  });
});
