import { setTimeout as sleep } from 'node:timers/promises';
import { Informer } from '../src/informer';
import type { Log } from '../src/log';
import { silent } from '../src/log';
import type { Resource } from '../src/resource';
import { ApiServer } from './apiserver';
import type { Thing } from './store';
import { until } from './until';

const THINGS = { group: 'nvidia.com', version: 'v1alpha1', plural: 'things' };
const COLLECTION = 'apis/nvidia.com/v1alpha1/things';

let server: ApiServer;
let informers: Informer<Thing>[];
let told: string[];

beforeEach(async () => {
  server = new ApiServer();
  informers = [];
  told = [];
  await server.listen();
});

afterEach(async () => {
  await Promise.all(informers.map((informer) => informer.stop()));
  await server.close();
});

const add = (name: string, labels: Record<string, string> = {}, collection = COLLECTION) =>
  server.store.create(collection, 'ns', {
    apiVersion: 'nvidia.com/v1alpha1',
    kind: 'Thing',
    metadata: { name, labels },
  });

const at = (name: string) => ({ collection: COLLECTION, namespace: 'ns', name });

function informerOf(resource: Resource = THINGS, log: Log = silent): Informer<Thing> {
  const informer = new Informer<Thing>({ config: server.config, resource, log });
  informer.onChange((change, object) => told.push(`${change} ${object.metadata.name}`));
  informers.push(informer);
  return informer;
}

async function watching(resource?: Resource, log?: Log): Promise<Informer<Thing>> {
  const informer = informerOf(resource, log);
  informer.start();
  await informer.synced();
  await until('the watch runs', () => server.watches === 1);
  return informer;
}

it('tells and caches what is there, what comes, changes and goes', async () => {
  add('a');
  const informer = await watching();
  expect(informer.get('ns/a')?.metadata.name).toBe('a');
  add('b');
  server.store.change(at('b'), undefined, (old) => ({ ...old, spec: { n: 2 } }));
  server.store.delete(at('a'));
  await until('all is told', () => told.length === 4);
  expect(told).toEqual(['ADDED a', 'ADDED b', 'MODIFIED b', 'DELETED a']);
  expect(informer.list().map((o) => [o.metadata.name, o.spec])).toEqual([['b', { n: 2 }]]);
  expect(informer.get('ns/a')).toBeUndefined();
  expect(server.lists()).toBe(1);
});

it('has the first list in its cache when it is synced', async () => {
  add('a');
  const informer = informerOf();
  informer.start();
  await informer.synced();
  expect(informer.list()).toHaveLength(1);
});

it('asks only for its namespace and what its selectors name', async () => {
  add('mine', { node: 'one' });
  add('other', { node: 'two' });
  server.store.create(COLLECTION, 'elsewhere', { metadata: { name: 'far', labels: { node: 'one' } } });
  const informer = await watching({ ...THINGS, namespace: 'ns', labelSelector: 'node=one' });
  add('later', { node: 'one' });
  add('never', { node: 'two' });
  await until('the later one is told', () => told.length === 2);
  expect(informer.list().map((o) => o.metadata.name)).toEqual(['mine', 'later']);
});

it('watches pods of the core group by field', async () => {
  const pod = (name: string, nodeName: string) =>
    server.store.create('api/v1/pods', 'ns', { metadata: { name }, spec: { nodeName, containers: [] } });
  pod('here', 'one');
  pod('there', 'two');
  const resource = { group: '', version: 'v1', plural: 'pods', fieldSelector: 'spec.nodeName=one' };
  const informer = await watching(resource);
  pod('new', 'one');
  await until('the new one is told', () => told.length === 2);
  expect(informer.list().map((o) => o.metadata.name)).toEqual(['here', 'new']);
});

describe('after the versions that it knows are gone (410)', () => {
  const changeBehindItsBack = () => {
    server.store.delete(at('gone'));
    add('new');
    server.compact();
  };

  it('lists again and tells of what vanished, when the answer to the watch is 410', async () => {
    add('gone');
    add('kept');
    const informer = await watching();
    await server.close();
    changeBehindItsBack();
    await server.listen();
    await until('it has listed again', () => told.includes('ADDED new'));
    expect(told).toEqual(['ADDED gone', 'ADDED kept', 'DELETED gone', 'ADDED new']);
    expect(informer.get('ns/gone')).toBeUndefined();
  });

  it('lists again when the 410 comes in the stream', async () => {
    add('gone');
    await watching();
    server.expireWatches();
    await until('it lists again', () => server.lists() === 2);
    await until('the watch runs', () => server.watches === 1);
    add('new');
    await until('it tells of changes again', () => told.includes('ADDED new'));
  });
});

describe('after a hiccup', () => {
  it('misses nothing when the server ends the watch, and does not list again', async () => {
    await watching();
    server.endWatches();
    add('meanwhile');
    await until('the change is told', () => told.includes('ADDED meanwhile'));
    expect([server.watchRequests(), server.lists()]).toEqual([2, 1]);
  });

  it('comes back after a TCP reset, with what changed meanwhile', async () => {
    add('a');
    await watching();
    server.reset();
    await until('the watch broke', () => server.watches === 0);
    server.store.delete(at('a'));
    await until('the change is told', () => told.includes('DELETED a'));
  });

  it('is healthy again once the watch runs again', async () => {
    const informer = await watching();
    server.reset();
    await until('it has noticed', () => !informer.healthy);
    await until('the watch runs again', () => server.watches === 1);
    await until('it is healthy', () => informer.healthy, 500);
  });

  it('waits one second again after each recovery, not longer and longer', async () => {
    const waits: unknown[] = [];
    const log = { ...silent, warn: (_: string, fields = {}) => void waits.push(fields) };
    await watching(THINGS, log);
    for (const round of [1, 2]) {
      server.reset();
      await until('it has noticed', () => waits.length === round);
      await until('the watch runs again', () => server.watches === 1);
    }
    expect(waits).toEqual([{ retryInMs: 1000 }, { retryInMs: 1000 }]);
  });

  it('starts when the server comes later than it does', async () => {
    await server.close();
    const warn = jest.fn();
    const informer = informerOf(THINGS, { ...silent, warn });
    informer.start();
    await until('it has complained', () => warn.mock.calls.length === 1);
    expect(informer.healthy).toBe(false);
    add('a');
    await server.listen();
    await informer.synced();
    expect(informer.healthy).toBe(true);
    expect(told).toEqual(['ADDED a']);
  });

  it.each([401, 500, 503])('tells of a list that is answered %d, and tries again', async (code) => {
    server.failNext('GET', code);
    const informer = informerOf();
    const errors: unknown[] = [];
    informer.onError((error) => errors.push(error));
    informer.start();
    await informer.synced();
    expect(errors).toEqual([expect.objectContaining({ code })]);
    expect(informer.healthy).toBe(true);
    expect(server.lists()).toBe(2);
  });
});

describe('stop', () => {
  it('ends the watch, tells nothing more and does not come back', async () => {
    const warn = jest.fn();
    const informer = await watching(THINGS, { ...silent, warn });
    await informer.stop();
    await until('the watch is gone', () => server.watches === 0);
    add('late');
    await expect(until('a new watch', () => server.watches > 0, 1500)).rejects.toThrow('not within');
    expect(told).toEqual([]);
    expect(warn).not.toHaveBeenCalled();
  });

  it('leaves no timer of a restart behind', async () => {
    await server.close();
    const warn = jest.fn();
    const informer = informerOf(THINGS, { ...silent, warn });
    informer.start();
    await until('it waits for its restart', () => warn.mock.calls.length === 1);
    await informer.stop();
    await server.listen();
    await expect(until('a request', () => server.seen.length > 0, 1500)).rejects.toThrow('not within');
  });

  it('opens no watch when it is stopped during its list', async () => {
    const release = server.hold();
    const informer = informerOf();
    informer.start();
    await until('the list is asked for', () => server.lists() === 1);
    await informer.stop();
    release();
    await expect(until('a watch', () => server.watches > 0, 500)).rejects.toThrow('not within');
  });

  it('keeps no watch when it is stopped while one is being opened', async () => {
    const informer = await watching();
    const release = server.hold();
    server.endWatches();
    await until('the second watch is asked for', () => server.watchRequests() === 2);
    await informer.stop();
    release();
    await sleep(300); // long enough for the answer to arrive
    expect(server.watches).toBe(0);
  });

  it('opens no watch when it is stopped between two watches', async () => {
    const informer = await watching();
    server.endWatches();
    await until('a second one runs', () => server.watchRequests() === 2 && server.watches === 1);
    server.endWatches();
    await sleep(100); // nothing tells that it now waits before the third
    await informer.stop();
    await expect(until('a watch', () => server.watches > 0, 1500)).rejects.toThrow('not within');
  });
});
