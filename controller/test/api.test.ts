import { fieldManager, RESTORED_CONDITION } from '@dynamo-snapshot/api/names';
import { Api, statusOf, words } from '../src/api';
import { ApiServer } from './apiserver';
import type { Thing } from './store';

const COLLECTION = 'apis/nvidia.com/v1alpha1/things';
const ref = { group: 'nvidia.com', version: 'v1alpha1', plural: 'things', namespace: 'ns', name: 'a' };
const at = { collection: COLLECTION, namespace: 'ns', name: 'a' };
const PATH = '/apis/nvidia.com/v1alpha1/namespaces/ns/things/a';
const body = (fields: object) => ({
  apiVersion: 'nvidia.com/v1alpha1',
  kind: 'Thing',
  metadata: { name: 'a', namespace: 'ns' },
  ...fields,
});

let server: ApiServer;
let api: Api;

beforeEach(async () => {
  server = new ApiServer();
  await server.listen();
  api = new Api(server.config, fieldManager.operator);
});

afterEach(() => server.close());

const create = (fields: object = {}, metadata: object = {}) =>
  server.store.create(COLLECTION, 'ns', { ...fields, metadata: { name: 'a', ...metadata } });

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

const asked = () => {
  const { method, path, contentType, query } = server.seen.at(-1) ?? {};
  return { method, path, contentType, query: Object.fromEntries(query ?? []) };
};

it('gets an object, and undefined for one that is absent', async () => {
  expect(await api.get(ref)).toBeUndefined();
  create({ spec: { n: 1 } });
  expect((await api.get<Thing>(ref))?.spec).toEqual({ n: 1 });
});

it('lists all of a namespace, page by page', async () => {
  const names = Array.from({ length: 1001 }, (_, i) => `thing-${i}`);
  for (const name of names) server.store.create(COLLECTION, 'ns', { metadata: { name } });
  server.store.create(COLLECTION, 'other', { metadata: { name: 'elsewhere' } });
  const { name: _, ...things } = ref;
  expect((await api.list<Thing>(things)).map(({ metadata }) => metadata.name)).toEqual(names);
  expect(server.seen).toHaveLength(3);
});

it('gets a pod, and undefined for one that is absent', async () => {
  expect(await api.getPod('ns', 'p')).toBeUndefined();
  server.store.create('api/v1/pods', 'ns', { metadata: { name: 'p' } });
  expect((await api.getPod('ns', 'p'))?.metadata?.name).toBe('p');
});

it('applies as its manager, by force, creating what is absent', async () => {
  await api.apply(ref, body({ spec: { n: 1 } }));
  expect(asked()).toEqual({
    method: 'PATCH',
    path: PATH,
    contentType: 'application/apply-patch+yaml',
    query: { fieldManager: 'dynamo-snapshot-operator', force: 'true' },
  });
  await api.apply(ref, body({ spec: { n: 2 } }));
  expect(server.store.get(at)?.spec).toEqual({ n: 2 });
});

it('applies a status on the subresource and leaves the spec alone', async () => {
  create({ spec: { n: 1 } });
  await api.applyStatus(ref, body({ status: { phase: 'Ready' } }));
  expect(asked()).toMatchObject({
    path: `${PATH}/status`,
    contentType: 'application/apply-patch+yaml',
    query: { fieldManager: 'dynamo-snapshot-operator', force: 'true' },
  });
  expect(server.store.get(at)).toMatchObject({ spec: { n: 1 }, status: { phase: 'Ready' } });
});

it('surfaces a conflict as 409, with what was being done', async () => {
  const stale = create().metadata.resourceVersion;
  await api.patch(ref, { metadata: { labels: { x: 'y' } } });
  const error = await failureOf(api.patch(ref, { metadata: { resourceVersion: stale, finalizers: [] } }));
  expect(statusOf(error)).toBe(409);
  expect(String(error)).toContain('patch things a: ');
});

it('lets an object with a finalizer go when the finalizer is taken off', async () => {
  create({}, { finalizers: ['f'] });
  await api.delete(ref);
  const marked = await api.get<Thing>(ref);
  expect(marked?.metadata.deletionTimestamp).toBeDefined();
  const { resourceVersion } = marked?.metadata ?? {};
  await api.patch(ref, { metadata: { resourceVersion, finalizers: [] } });
  expect(asked().contentType).toBe('application/merge-patch+json');
  expect(await api.get(ref)).toBeUndefined();
});

it('deletes in the background, and is content when the object is absent', async () => {
  create();
  await api.delete(ref);
  expect(asked()).toMatchObject({ method: 'DELETE', query: { propagationPolicy: 'Background' } });
  await api.delete(ref);
  expect(server.store.get(at)).toBeUndefined();
});

it('creates a job once and leaves one that exists as it is', async () => {
  const job = (backoffLimit: number) => ({ metadata: { name: 'j' }, spec: { backoffLimit } });
  await api.createJob('ns', job(0));
  await api.createJob('ns', job(1));
  expect(server.seenWith('POST')).toHaveLength(2);
  expect(server.store.list('apis/batch/v1/jobs').map((j) => j.spec)).toEqual([{ backoffLimit: 0 }]);
});

it('sets one condition of a pod and keeps the others', async () => {
  const pod = server.store.create('api/v1/pods', 'ns', {
    metadata: { name: 'p' },
    status: { conditions: [{ type: 'Ready', status: 'False' }] },
  });
  const condition = { type: RESTORED_CONDITION, status: 'True', reason: 'R', message: 'm' } as const;
  await api.setPodConditions('ns', 'p', [condition]);
  expect(asked()).toMatchObject({
    path: '/api/v1/namespaces/ns/pods/p/status',
    contentType: 'application/strategic-merge-patch+json',
  });
  const { status } = server.store.get({ collection: 'api/v1/pods', namespace: 'ns', name: 'p' }) ?? pod;
  expect(status).toEqual({
    conditions: [
      { type: 'Ready', status: 'False' },
      { ...condition, lastTransitionTime: expect.any(String) },
    ],
  });
});

it('is content when the pod of a condition is gone', async () => {
  const condition = { type: RESTORED_CONDITION, status: 'True', reason: 'R', message: 'm' } as const;
  await expect(api.setPodConditions('ns', 'gone', [condition])).resolves.toBeUndefined();
});

it.each<readonly [string, number, string, () => Promise<unknown>]>([
  ['GET', 500, 'get things a: ', () => api.get(ref)],
  ['GET', 403, 'get pod p: ', () => api.getPod('ns', 'p')],
  ['PATCH', 422, 'apply things a: ', () => api.apply(ref, body({}))],
  ['PATCH', 404, 'apply status of things a: ', () => api.applyStatus(ref, body({}))],
  ['DELETE', 403, 'delete things a: ', () => api.delete(ref)],
  ['POST', 403, 'create job: ', () => api.createJob('ns', { metadata: { name: 'j' } })],
])('%s answered %d is an error that begins with "%s"', async (method, code, doing, work) => {
  server.failNext(method, code);
  const error = await failureOf(work());
  expect(statusOf(error)).toBe(code);
  expect((error as Error).message.startsWith(doing)).toBe(true);
  expect(words(error)).toBe(`Error: injected ${code}`);
});

it('knows no status of an error that is none of the API', async () => {
  await server.close();
  const error = await failureOf(api.get(ref));
  expect(error).toBeInstanceOf(Error);
  expect(statusOf(error)).toBeUndefined();
  expect(statusOf(new Error('other'))).toBeUndefined();
  expect(words(new Error('other'))).toBe('other');
  await server.listen();
});
