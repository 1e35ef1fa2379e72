/** In which order a certificate is made, trusted and served, against an API server over http. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import { Api } from '@dynamo-snapshot/controller/api';
import { EventRecorder } from '@dynamo-snapshot/controller/events';
import { silent } from '@dynamo-snapshot/controller/log';
import { makeMetrics } from '@dynamo-snapshot/controller/metrics';
import { Registry } from 'prom-client';
import { ApiServer } from '../../../controller/test/apiserver';
import { until } from '../../../controller/test/until';
import { operatorConfig } from '../../src/config';
import { DAY_MS } from '../../src/webhook/certificate';
import { Webhook } from '../../src/webhook/webhook';
import { checkpoint } from '../objects';

const CHECKPOINTS = 'apis/nvidia.com/v1alpha1/dynamocheckpoints';
const MUTATING = 'apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
const VALIDATING = 'apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
const NAME = 'snapshot';

let server: ApiServer;
let webhook: Webhook;
let port: number;
let now = Date.now();

const decoded = (text = ''): string => Buffer.from(text, 'base64').toString();
const secret = () => {
  const at = { collection: 'api/v1/secrets', namespace: 'own', name: NAME };
  return decoded((server.store.get(at)?.['data'] as Record<string, string>)['tls.crt']);
};
const configurations = [MUTATING, VALIDATING];
const configure = () => {
  for (const collection of configurations)
    server.store.create(collection, undefined, {
      metadata: { name: NAME },
      webhooks: [{ name: 'one', clientConfig: {} }],
    });
};
const bundle = (): string => {
  const found = server.store.list(MUTATING)[0]?.['webhooks'] as { clientConfig: { caBundle?: string } }[];
  return decoded(found[0]?.clientConfig.caBundle);
};
/** What anybody gets who connects, as PEM without its line breaks. */
const served = () =>
  new Promise<string>((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      const certificate = socket.getPeerCertificate().raw.toString('base64');
      socket.once('close', () => resolve(certificate));
      socket.end();
    });
    socket.on('error', reject);
  });
const bare = (pem: string) => pem.replace(/-----[^-]+-----|\s/g, '');

const freePort = () =>
  new Promise<number>((resolve) => {
    const probe = createServer().listen(0, () => {
      const { port: free } = probe.address() as AddressInfo;
      probe.close(() => resolve(free));
    });
  });

beforeAll(async () => {
  server = new ApiServer();
  await server.listen();
  port = await freePort();
  server.store.create('api/v1/secrets', 'own', { metadata: { name: NAME } });
  configure();
  const clock = { now: () => now };
  const names = { WEBHOOK_SERVICE: 'hook', WEBHOOK_SECRET: NAME, WEBHOOK_CONFIGURATION: NAME };
  const config = operatorConfig({
    ...{ POD_NAMESPACE: 'own', WATCH_NAMESPACE: 'ns', STANDBY_IMAGE: 'agent:1', WEBHOOK_PORT: `${port}` },
    ...names,
  });
  if (config.webhook === undefined) throw new Error('the environment of the test names no webhook');
  webhook = new Webhook(
    {
      ...{ kube: server.config, api: new Api(server.config, 'operator'), config, log: silent, clock },
      events: new EventRecorder(server.config, 'operator', silent, clock),
      metrics: makeMetrics(new Registry(), 'operator'),
    },
    config.webhook,
  );
  await webhook.start();
  await until('the API server trusts it', () => bundle() !== '');
});
afterAll(async () => {
  await webhook.close();
  await server.close();
});

it('serves what a new authority has signed only when the API server trusts that authority', async () => {
  const first = secret();
  expect(await served()).toBe(bare(first));
  now += 490 * DAY_MS;
  for (const collection of configurations)
    server.store.delete({ collection, namespace: undefined, name: NAME });
  server.store.create(CHECKPOINTS, 'ns', checkpoint() as never);
  await until('there is another certificate', () => secret() !== first);
  const asked = () => server.seenWith('GET').filter((s) => s.path.endsWith(`s/${NAME}`)).length;
  const before = asked();
  await until('it has tried to say so', () => asked() > before + 2);
  expect(await served()).toBe(bare(first));
  configure();
  await until('the API server trusts both', () => bundle().match(/BEGIN/g)?.length === 2, 20_000);
  for (let tries = 0; tries < 50 && (await served()) === bare(first); tries++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await served()).toBe(bare(secret()));
}, 30_000);
