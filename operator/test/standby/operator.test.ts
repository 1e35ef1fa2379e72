/** What makes the operator look after the ConfigMaps of a namespace, against an API server over http. */
import { ApiServer } from '../../../controller/test/apiserver';
import { until } from '../../../controller/test/until';
import type { SnapshotOperator } from '../../src/operator';
import { programOf } from '../../src/standby/program';
import { leading } from '../leading';
import { checkpoint, pod } from '../objects';

const CHECKPOINTS = 'apis/nvidia.com/v1alpha1/dynamocheckpoints';
const [PODS, MAPS] = ['api/v1/pods', 'api/v1/configmaps'];
const program = programOf(Buffer.from('the program'));

let server: ApiServer;
let operator: SnapshotOperator;
const term = new AbortController();

const put = (collection: string, object: object) =>
  void server.store.create(collection, 'ns', object as never);
const remove = (collection: string, name: string) =>
  void server.store.delete({ collection, namespace: 'ns', name });
const hasMap = () =>
  server.store.get({ collection: MAPS, namespace: 'ns', name: program.name }) !== undefined;
/** Nobody disposes of its artifact here. */
const putCheckpoint = () => {
  const { metadata, ...rest } = checkpoint();
  put(CHECKPOINTS, { ...rest, metadata: { ...metadata, finalizers: [] } });
};
const putPod = (name: string, spec: object) =>
  put(PODS, { ...pod(name), spec: { containers: [{ name: 'main' }], ...spec } });
const mounting = { volumes: [{ name: 'program', configMap: { name: program.name } }] };
const installing = { initContainers: [{ name: 'snapshot-standby' }] };

beforeAll(async () => {
  server = new ApiServer();
  await server.listen();
  putCheckpoint();
  operator = await leading(server, term.signal, { program });
});
afterAll(async () => {
  term.abort();
  await operator.shutdown();
  await server.close();
});

describe('a reason to look after the ConfigMaps of a namespace', () => {
  it('is a checkpoint that was there before it led', () => until('it is made', hasMap));

  it('is a pod that came with an installer', async () => {
    remove(MAPS, program.name);
    putPod('installed', installing);
    await until('it is made again', hasMap);
  });

  it('is the last checkpoint that goes, and the last pod', async () => {
    putPod('mounting', mounting);
    remove(CHECKPOINTS, 'one');
    remove(PODS, 'mounting');
    await until('it is removed', () => !hasMap());
  });

  it('is a pod that waits for one that is gone, and then a checkpoint that comes', async () => {
    putPod('waiting', mounting);
    await until('it is made for the pod', hasMap);
    remove(PODS, 'waiting');
    await until('it is removed', () => !hasMap());
    putCheckpoint();
    await until('it is made for the checkpoint', hasMap);
  });
});
