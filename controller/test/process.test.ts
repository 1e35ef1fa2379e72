import { Api } from '../src/api';
import { Informer } from '../src/informer';
import { silent } from '../src/log';
import { LimitedConfig } from '../src/process';
import { ApiServer } from './apiserver';
import { until } from './until';

const LIMIT_MS = 200;
const thing = { group: 'nvidia.com', version: 'v1alpha1', plural: 'things', namespace: 'ns' };
const make = (name: string) =>
  server.store.create('apis/nvidia.com/v1alpha1/things', 'ns', { metadata: { name } });

let server: ApiServer;
let config: LimitedConfig;

beforeEach(async () => {
  server = new ApiServer();
  await server.listen();
  config = new LimitedConfig(LIMIT_MS);
  config.loadFromOptions(server.config);
});

afterEach(() => server.close());

it('gives up a request that is not answered, and says which', async () => {
  make('a');
  const api = new Api(config, 'operator');
  expect(await api.get({ ...thing, name: 'a' })).toBeDefined();
  const release = server.hold();
  await expect(api.get({ ...thing, name: 'a' })).rejects.toThrow(/^get things a: .*timeout/);
  release();
});

it('lets a watch go on for longer than a request may take', async () => {
  const informer = new Informer({ config, resource: thing, log: silent });
  informer.start();
  await until('it watches', () => server.watches === 1);
  await new Promise((resolve) => setTimeout(resolve, 2 * LIMIT_MS));
  make('late');
  await until('it has seen the late one', () => informer.get('ns/late') !== undefined);
  expect(server.watchRequests()).toBe(1);
  await informer.stop();
});
