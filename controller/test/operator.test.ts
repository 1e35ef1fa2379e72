import type { ResourceEvent } from '@dot-i/k8s-operator';
import type { Informer } from '../src/informer';
import type { Log } from '../src/log';
import { silent } from '../src/log';
import { LevelOperator } from '../src/operator';
import { WorkQueue } from '../src/queue';
import { ApiServer } from './apiserver';
import type { Thing } from './store';
import { until } from './until';

const THINGS = { group: 'nvidia.com', version: 'v1alpha1', plural: 'things' };
const COLLECTION = 'apis/nvidia.com/v1alpha1/things';
const at = (name: string) => ({ collection: COLLECTION, namespace: 'ns', name });

class TestOperator extends LevelOperator {
  readonly runs: string[] = [];
  readonly events: ResourceEvent[] = [];
  onEvent: (event: ResourceEvent) => Promise<void> = async () => {};
  reconcile: (key: string, signal: AbortSignal) => Promise<undefined> = async () => undefined;
  things: Informer<Thing> | undefined;
  readonly queue = new WorkQueue({
    name: 'things',
    log: silent,
    reconcile: (key, signal) => {
      this.runs.push(key);
      return this.reconcile(key, signal);
    },
  });

  protected override async init(): Promise<void> {
    this.things = this.watch<Thing>(THINGS, this.queue, ({ metadata }) => [`ns/${metadata.name}`]);
    await this.watchResource('nvidia.com', 'v1alpha1', 'things', (event) => {
      this.events.push(event);
      return this.onEvent(event);
    });
    await this.begin();
  }

  uri(): string {
    return this.getCustomResourceApiUri('nvidia.com', 'v1alpha1', 'things', 'ns');
  }
}

let server: ApiServer;
let operator: TestOperator;

const begin = (log: Log = silent) => (operator = new TestOperator(server.config, log));

beforeEach(async () => {
  server = new ApiServer();
  await server.listen();
  begin();
});

afterEach(async () => {
  await operator.shutdown();
  await server.close();
});

const add = (name: string) =>
  server.store.create(COLLECTION, 'ns', {
    apiVersion: 'nvidia.com/v1alpha1',
    kind: 'Thing',
    metadata: { name },
  });

const touch = (name: string, n: number) =>
  server.store.change(at(name), undefined, (old) => ({ ...old, spec: { n } }));

it('has seen every object when it has started', async () => {
  add('a');
  expect(operator.healthy).toBe(false);
  await operator.start();
  expect(operator.healthy).toBe(true);
  expect(operator.things?.get('ns/a')?.metadata.name).toBe('a');
  expect(operator.runs).toEqual(['ns/a']);
});

it('makes few runs of fifty changes, and the last run sees the last change', async () => {
  add('a');
  const seen: unknown[] = [];
  operator.reconcile = async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    seen.push(operator.things?.get('ns/a')?.spec);
    return undefined;
  };
  await operator.start();
  await until('both watches run', () => server.watches === 2);
  for (let n = 1; n <= 50; n++) touch('a', n);
  await until('the last change is seen', () => JSON.stringify(seen.at(-1)) === '{"n":50}');
  expect(operator.runs.length).toBeLessThanOrEqual(5);
});

it('runs a handler again that has thrown', async () => {
  operator.reconcile = () =>
    operator.runs.length < 3 ? Promise.reject(new Error('not yet')) : Promise.resolve(undefined);
  add('a');
  await operator.start();
  await until('the third run', () => operator.runs.length === 3);
});

it('survives a reset of all connections', async () => {
  await operator.start();
  await until('both watches run', () => server.watches === 2);
  server.reset();
  await until('both broke', () => server.watches === 0);
  add('a');
  await until('the change arrives', () => operator.runs.length === 1);
});

it('hands the events of the base class on', async () => {
  add('a');
  await operator.start();
  await until('both watches run', () => server.watches === 2);
  touch('a', 1);
  server.store.delete(at('a'));
  await until('all events', () => operator.events.length === 3);
  expect(operator.events.map((e) => [e.type, e.meta.name, e.meta.namespace, e.meta.kind])).toEqual(
    ['ADDED', 'MODIFIED', 'DELETED'].map((type) => [type, 'a', 'ns', 'Thing']),
  );
});

it('logs an event handler that rejects, and goes on', async () => {
  const error = jest.fn();
  begin({ ...silent, error });
  operator.onEvent = () => Promise.reject(new Error('refused'));
  add('a');
  await operator.start();
  await until('the complaint', () => error.mock.calls.length === 1);
  expect(error.mock.calls[0]?.[0]).toBe('event of things a: Error: refused');
  add('b');
  await until('the next event', () => operator.events.length === 2);
});

it('builds object addresses from the server that it talks to', async () => {
  expect(operator.uri()).toBe(
    `${server.config.getCurrentCluster()?.server}/apis/nvidia.com/v1alpha1/namespaces/ns/things`,
  );
});

describe('shutdown', () => {
  it('ends the watches and waits for the run under way', async () => {
    let ended = false;
    operator.reconcile = async (_, signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      ended = true;
      return undefined;
    };
    add('a');
    await operator.start();
    await until('the run is under way', () => operator.runs.length === 1);
    await operator.shutdown();
    expect(ended).toBe(true);
    await until('the watches are gone', () => server.watches === 0);
    add('b');
    await expect(until('another run', () => operator.runs.length > 1, 300)).rejects.toThrow('not within');
  });

  it('does not end the process', async () => {
    const exit = jest.spyOn(process, 'exit').mockImplementation(() => undefined as never);
    await operator.start();
    operator.stop();
    await until('the watches are gone', () => server.watches === 0);
    expect(exit).not.toHaveBeenCalled();
    exit.mockRestore();
  });
});
