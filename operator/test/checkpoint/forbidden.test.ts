/** A job that the API server does not take, against one over http. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { Api } from '@dynamo-snapshot/controller/api';
import { EventRecorder } from '@dynamo-snapshot/controller/events';
import { silent } from '@dynamo-snapshot/controller/log';
import { makeMetrics } from '@dynamo-snapshot/controller/metrics';
import { Registry } from 'prom-client';
import { ApiServer } from '../../../controller/test/apiserver';
import { Refusal } from '../../../controller/test/store';
import { Applier } from '../../src/checkpoint/apply';
import { observe } from '../../src/checkpoint/observe';
import { operatorConfig } from '../../src/config';
import { caches, NOW } from '../objects';
import { decided, withJob } from './world';

const CHECKPOINTS = 'apis/nvidia.com/v1alpha1/dynamocheckpoints';
const QUOTA = 'jobs.batch "checkpoint-one" is forbidden: exceeded quota: small';
const clock = { now: () => NOW };

let server: ApiServer;
let applier: Applier;
let refused: Refusal | undefined;
const stored = () =>
  server.store.get({ collection: CHECKPOINTS, namespace: 'ns', name: 'one' }) as unknown as DynamoCheckpoint;
const made = () => server.store.list('apis/batch/v1/jobs').length;
const told = () => server.store.list('api/v1/events');
const writes = () => server.seenWith('PATCH').length;
const look = () => applier.apply({ do: 'createJob' }, observe(stored(), caches({ checkpoints: [stored()] })));

beforeEach(async () => {
  server = new ApiServer();
  await server.listen();
  server.admit = (object) => {
    if (object['kind'] === 'Job' && refused !== undefined) throw refused;
    return object;
  };
  server.store.create(CHECKPOINTS, 'ns', withJob() as never);
  applier = new Applier({
    kube: server.config,
    api: new Api(server.config, 'operator'),
    events: new EventRecorder(server.config, 'operator', silent, clock),
    config: operatorConfig({}),
    log: silent,
    clock,
    metrics: makeMetrics(new Registry(), 'operator'),
  });
});
afterEach(() => server.close());

describe('a job that is not taken', () => {
  it('for a quota or a policy is told with the words of the API server, and tried again after a pause', async () => {
    refused = new Refusal(403, 'Forbidden', QUOTA);
    expect(await look()).toEqual({ requeueAfterMs: 30_000 });
    const because = { reason: 'JobForbidden', message: expect.stringContaining(QUOTA) };
    expect(stored().status).toMatchObject({
      phase: 'Pending',
      message: expect.stringMatching(/^create job checkpoint-one: .*exceeded quota: small$/),
      conditions: expect.arrayContaining([expect.objectContaining({ type: 'Captured', ...because })]),
    });
    expect(told()).toEqual([expect.objectContaining({ type: 'Warning', ...because })]);
    expect(decided(stored())).toEqual({ do: 'createJob' });
  });

  it('for the same reason again writes nothing, which would only call us back', async () => {
    refused = new Refusal(403, 'Forbidden', QUOTA);
    await look();
    const before = writes();
    expect(await look()).toEqual({ requeueAfterMs: 30_000 });
    expect(writes()).toBe(before);
    expect(told()).toHaveLength(1);
  });

  it('is made when the quota was raised', async () => {
    refused = new Refusal(403, 'Forbidden', QUOTA);
    await look();
    refused = undefined;
    await look();
    expect(made()).toBe(1);
    expect(stored().status).toMatchObject({ phase: 'Creating', message: '', jobName: 'checkpoint-one' });
  });

  it('because it cannot be carried out fails the checkpoint', async () => {
    refused = new Refusal(422, 'Invalid', 'spec.template: no');
    await look();
    const message = 'create job checkpoint-one: Error: spec.template: no';
    expect(stored().status).toMatchObject({ phase: 'Failed', message });
  });

  it('because the API server is ill is retried by the queue', async () => {
    refused = new Refusal(503, 'ServiceUnavailable', 'later');
    await expect(look()).rejects.toThrow('create job');
    expect(stored().status).not.toHaveProperty('message');
  });
});
