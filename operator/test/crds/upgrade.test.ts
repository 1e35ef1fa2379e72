import { checkpointCrd } from '@dynamo-snapshot/api/crds';
import { fieldManager } from '@dynamo-snapshot/api/names';
import { Api } from '@dynamo-snapshot/controller/api';
import { silent } from '@dynamo-snapshot/controller/log';
import { ApiServer } from '../../../controller/test/apiserver';
import { upgrade } from '../../src/crds/upgrade';

const COLLECTION = 'apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const NAMES = ['dynamocheckpoints.nvidia.com', 'snapshotassignments.nvidia.com'];
const established = { conditions: [{ type: 'Established', status: 'True' }] };

let server: ApiServer;
let api: Api;
beforeEach(async () => {
  server = new ApiServer();
  await server.listen();
  api = new Api(server.config, fieldManager.operator);
});
afterEach(() => server.close());

const put = (name: string, annotations: Record<string, string>) => {
  const metadata = { name, annotations };
  server.store.create(COLLECTION, undefined, { metadata, status: established });
};
const version = (name: string) =>
  (
    server.store.get({ collection: COLLECTION, namespace: undefined, name })?.metadata as {
      annotations?: object;
    }
  ).annotations;

it('brings both definitions to our version by server-side apply', async () => {
  for (const name of NAMES) put(name, { 'nvidia.com/snapshot-version': '0.0.1' });
  await upgrade(api, false, silent);
  for (const name of NAMES) expect(version(name)).toEqual(checkpointCrd.metadata.annotations);
  expect(server.seenWith('PATCH').map((s) => s.contentType)).toEqual(
    NAMES.map(() => 'application/apply-patch+yaml'),
  );
});

it('touches nothing of somebody else, and says what to do', async () => {
  for (const name of NAMES) put(name, {});
  await expect(upgrade(api, false, silent)).rejects.toThrow('crds.adopt=true');
  expect(server.seenWith('PATCH')).toEqual([]);
});
