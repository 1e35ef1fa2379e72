/** Against an API server over http: what becomes of the ConfigMaps as checkpoints and pods come and go. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { silent } from '@dynamo-snapshot/controller/log';
import type { V1Pod } from '@kubernetes/client-node';
import { ApiServer } from '../../../controller/test/apiserver';
import { StandbyKeeper } from '../../src/standby/keeper';
import { concerns } from '../../src/standby/observe';
import { programOf } from '../../src/standby/program';
import { caches, checkpoint, NOW, pod } from '../objects';

const MAPS = 'api/v1/configmaps';
const program = programOf(Buffer.from('the program'));
/** Another name than that of the program. */
const oldName = `dynamo-snapshot-standby-${program.name.endsWith('0') ? '1' : '0'}`;

const mounts = (name: string, phase = 'Pending'): V1Pod => {
  const made = pod(`with-${name}`);
  const volumes = [{ name: 'snapshot-standby-program', configMap: { name } }];
  return { ...made, spec: { containers: [{ name: 'main' }], volumes }, status: { phase } };
};

let server: ApiServer;
let keeper: StandbyKeeper;
let now: number;
beforeEach(async () => {
  server = new ApiServer();
  await server.listen();
  now = NOW;
  keeper = new StandbyKeeper(server.config, program, silent, { now: () => now });
  keeper.begin();
});
afterEach(() => server.close());

const reconcile = (checkpoints: readonly DynamoCheckpoint[], pods: readonly V1Pod[] = []) =>
  keeper.reconcile('ns', caches({ checkpoints, pods }));
const names = () => server.store.list(MAPS).map((map) => map.metadata.name);
const put = (name: string, labels: Record<string, string>) =>
  server.store.create(MAPS, 'ns', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels },
    binaryData: { standby: 'b2xk' },
  });
const ours = { 'nvidia.com/snapshot-standby': 'true' };
const leaving = checkpoint({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } });

it('makes it with the first checkpoint, as it was built and never to be changed, and removes it with the last', async () => {
  await reconcile([checkpoint()]);
  expect(server.store.list(MAPS)).toMatchObject([
    {
      metadata: { name: program.name, namespace: 'ns', labels: ours },
      immutable: true,
      binaryData: { standby: program.content },
    },
  ]);
  await reconcile([leaving], [mounts(program.name, 'Running')]);
  expect(names()).toEqual([program.name]);
  await reconcile([leaving], [mounts(program.name, 'Succeeded')]);
  expect(names()).toEqual([]);
});

it('makes none for the checkpoints of other namespaces', async () => {
  await reconcile([checkpoint({ metadata: { namespace: 'other' } })]);
  expect(names()).toEqual([]);
});

it('removes those of other versions after ten minutes, when their pods are gone, and looks for no more', async () => {
  put(oldName, ours);
  expect(await reconcile([checkpoint()])).toEqual({ requeueAfterMs: 600_000 });
  now += 600_000;
  await reconcile([checkpoint()], [mounts(oldName)]);
  expect(names().sort()).toEqual([oldName, program.name].sort());
  await reconcile([checkpoint()]);
  expect(names()).toEqual([program.name]);
  await reconcile([checkpoint()]);
  const before = server.seenWith('GET').length;
  await reconcile([checkpoint()]);
  expect(server.seenWith('GET').length - before).toBe(1);
});

it('leaves what somebody else has put under its name, and comes back', async () => {
  put(program.name, {});
  expect(await reconcile([checkpoint()])).toEqual({ requeueAfterMs: 300_000 });
  expect(server.store.list(MAPS)).toMatchObject([{ binaryData: { standby: 'b2xk' } }]);
});

it('comes back later where it may not do it, and at once where the API server has failed', async () => {
  server.failNext('POST', 403);
  expect(await reconcile([checkpoint()])).toEqual({ requeueAfterMs: 300_000 });
  server.failNext('POST', 500);
  await expect(reconcile([checkpoint()])).rejects.toThrow(`create configmap ns/${program.name}`);
  await reconcile([checkpoint()]);
  expect(names()).toEqual([program.name]);
});

it('looks at a namespace when a pod that mounts one comes or goes, or one that found none comes', () => {
  const mounting = mounts(program.name);
  const over = mounts(program.name, 'Failed');
  const installer: V1Pod = {
    spec: { containers: [], initContainers: [{ name: 'snapshot-standby' }] },
  };
  expect([
    ...(['ADDED', 'MODIFIED', 'DELETED'] as const).map((change) => concerns(change, mounting)),
    concerns('MODIFIED', over),
    ...(['ADDED', 'MODIFIED', 'DELETED'] as const).map((change) => concerns(change, installer)),
    concerns('ADDED', pod('plain')),
  ]).toEqual([true, false, true, true, true, false, false, false]);
});
