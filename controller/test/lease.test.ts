import { getEventListeners } from 'node:events';
import { Api } from '../src/api';
import { Election, leaseRef, microTime, pause } from '../src/lease';
import { silent } from '../src/log';
import { ApiServer } from './apiserver';
import { until } from './until';

const AT = { collection: 'apis/coordination.k8s.io/v1/leases', namespace: 'ns', name: 'leader' };
let server: ApiServer;
let now = 0;

beforeEach(async () => {
  now = Date.parse('2026-01-01T00:00:00Z');
  server = new ApiServer();
  await server.listen();
});
afterEach(() => server.close());

interface Replica {
  readonly terms: boolean[];
  readonly election: Election;
  leads(): boolean;
  /** As at SIGTERM. */
  stop(): Promise<void>;
}

const started: Replica[] = [];
afterEach(() => Promise.all(started.splice(0).map((r) => r.stop())));

const electionOf = (identity: string, more: object = {}): Election =>
  new Election({
    api: new Api(server.config, 'operator'),
    lease: leaseRef('ns', 'leader'),
    identity,
    clock: { now: () => now },
    log: silent,
    retryMs: 20,
    renewWithinMs: 400,
    ...more,
  });

/** Whether each of its terms has ended is in `terms`. */
function replica(identity: string, more: object = {}): Replica {
  const election = electionOf(identity, more);
  const stop = new AbortController();
  const terms: boolean[] = [];
  const running = election.run(stop.signal, async (term) => {
    const i = terms.push(false) - 1;
    await new Promise((resolve) => term.addEventListener('abort', resolve, { once: true }));
    terms[i] = true;
  });
  const made = {
    terms,
    election,
    leads: () => terms.at(-1) === false,
    stop: () => {
      stop.abort();
      return running;
    },
  };
  started.push(made);
  return made;
}

const holder = () =>
  (server.store.get(AT)?.['spec'] as { holderIdentity?: string } | undefined)?.holderIdentity;

it('gives the lease to one of two', async () => {
  const [a, b] = [replica('a'), replica('b')];
  await until('one leads', () => a.leads() || b.leads());
  const renewals = server.seenWith('PATCH').length;
  await until('it is renewed', () => server.seenWith('PATCH').length > renewals + 3);
  expect([a, b].filter((r) => r.leads())).toHaveLength(1);
  expect(holder()).toBe(a.leads() ? 'a' : 'b');
});

it('is given back at the end, so that the next one need not wait', async () => {
  const a = replica('a');
  await until('a leads', () => a.leads());
  const b = replica('b');
  await a.stop();
  await until('b leads', () => b.leads());
  expect(a.terms).toEqual([true]);
});

it('is free when its holder has not renewed it for its duration, by our clock', async () => {
  const spec = { holderIdentity: 'gone', renewTime: microTime(now + 3600_000), leaseDurationSeconds: 15 };
  server.store.create(AT.collection, 'ns', { metadata: { name: 'leader' }, spec });
  const a = replica('a');
  const asked = server.seenWith('GET').length;
  await until('a has looked', () => server.seenWith('GET').length > asked + 3);
  now += 14_000;
  const again = server.seenWith('GET').length;
  await until('a has looked again', () => server.seenWith('GET').length > again + 3);
  expect(a.leads()).toBe(false);
  now += 2000;
  await until('a leads', () => a.leads());
});

it('ends the term of one that another has replaced, which goes back into the race', async () => {
  const a = replica('a');
  await until('a leads', () => a.leads());
  server.store.change(AT, undefined, (old) => ({
    ...old,
    spec: { ...(old['spec'] as object), holderIdentity: 'b' },
  }));
  await until("a's term has ended", () => a.terms[0] === true);
  expect(a.election.leading).toBe(false);
  now += 16_000;
  await until('a leads again', () => a.terms.length === 2);
});

it('ends the term of one that cannot renew, though its call hangs', async () => {
  const a = replica('a');
  await until('a leads', () => a.leads());
  const release = server.hold();
  await until("a's term has ended", () => a.terms[0] === true);
  release();
});

it('stays in the race though a call of it is never answered', async () => {
  server.hold();
  const a = replica('a');
  await until('a has asked', () => server.seenWith('GET').length > 0);
  // Later calls are answered again; the first one is not.
  server.hold()();
  await until('a leads', () => a.leads());
});

it('stops in time though the API server does not answer', async () => {
  const a = replica('a');
  await until('a leads', () => a.leads());
  const release = server.hold();
  await a.stop();
  release();
});

it('says that it does not lead as soon as its term ends, though its work takes longer', async () => {
  const election = electionOf('a');
  const stop = new AbortController();
  let finish = () => {};
  let terms = 0;
  const running = election.run(stop.signal, () => {
    terms += 1;
    return new Promise((resolve) => (finish = resolve));
  });
  await until('a leads', () => terms === 1);
  expect(election.leading).toBe(true);
  stop.abort();
  expect(election.leading).toBe(false);
  finish();
  await running;
});

it('leaves no listener on a signal that it waited with', async () => {
  const { signal } = new AbortController();
  await pause(1, signal);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

it('writes the time as metav1.MicroTime is read', () => {
  expect(microTime(Date.parse('2026-01-02T03:04:05.678Z'))).toBe('2026-01-02T03:04:05.678000Z');
});
