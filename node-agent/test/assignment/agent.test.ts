import { Registry } from 'prom-client';
import { makeMetrics } from '@dynamo-snapshot/controller/metrics';
import fs, { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fieldManager } from '@dynamo-snapshot/api/names';
import { Api } from '@dynamo-snapshot/controller/api';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent } from '../../src/agent';
import { ApiServer } from './apiserver';
import { silent, Stage, UID, until } from './stage';

/** Programs are started, and a machine may be busy. */
jest.setTimeout(60_000);

let stage: Stage;
let server: ApiServer;
let agents: Agent[];

/** The test process must end whatever a test has left behind. */
const watchers: fs.FSWatcher[] = [];
const watch = fs.watch;
jest.spyOn(fs, 'watch').mockImplementation(((...args: Parameters<typeof watch>) => {
  const watcher = watch(...args);
  watchers.push(watcher);
  return watcher;
}) as typeof watch);

beforeEach(async () => {
  stage = new Stage();
  server = new ApiServer();
  agents = [];
  await server.listen();
});

afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.shutdown()));
  for (const watcher of watchers.splice(0)) watcher.close();
  await server.close();
  await stage.dispose();
});

/** A plain folder that stands in for a cgroup cannot be removed with a file in it. */
const journal = () => readdirSync(join(stage.dir, 'journal'));
const phase = () => server.object?.status?.phase;

async function begin(): Promise<Agent> {
  const kube = new KubeConfig();
  kube.loadFromClusterAndUser({ name: 'c', server: server.url, skipTLSVerify: true }, { name: 'u' });
  const api = new Api(kube, fieldManager.agent);
  const agent = new Agent({
    kube,
    api,
    config: stage.config(),
    log: silent,
    clock: Date,
    metrics,
    runtimeAnswers: () => Promise.resolve(true),
    storeIsThere: () => Promise.resolve(true),
    runtime: {
      firstContainer: () => Promise.resolve('not yet'),
      followStarts: () => Promise.resolve(() => {}),
    },
  });
  agents.push(agent);
  await agent.start();
  return agent;
}

const metrics = makeMetrics(new Registry(), 'agent');

describe('Agent', () => {
  it('asks for the assignments of its own node only', async () => {
    await begin();
    expect(server.selectors.length).toBeGreaterThan(0);
    expect(new Set(server.selectors)).toEqual(new Set(['spec.nodeName=node-a']));
  });

  it('does what is assigned, says so as the owner of the status, and then is silent', async () => {
    stage.mode('quick');
    await begin();
    server.put('ADDED', stage.assignment);
    await until(() => phase() === 'Succeeded');
    stage.emptyGroup();
    await until(() => journal().length === 0);
    const writes = server.writes.length;
    expect(new Set(server.writes)).toEqual(new Set([fieldManager.agent]));
    server.put('MODIFIED', server.object ?? stage.assignment);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(server.writes).toHaveLength(writes);
  });

  it('writes nothing where nothing is assigned', async () => {
    await begin();
    expect(server.writes).toEqual([]);
  });

  it('leaves a running operation alone when it stops, and the next agent goes on with it', async () => {
    stage.mode('wait');
    const first = await begin();
    server.put('ADDED', stage.assignment);
    await until(() => existsSync(join(stage.entry.dir, 'listening')) && phase() === 'Running');
    await first.shutdown();
    expect(stage.entry.result()).toBeUndefined();
    const ref = stage.entry.process();
    await begin();
    expect(stage.entry.process()).toEqual(ref);
    server.put('MODIFIED', { ...stage.assignment, spec: { ...stage.assignment.spec, cancelled: true } });
    await until(() => phase() === 'Cancelled');
  });

  it('stops, and forgets without a word, what was begun before it and is wanted no more', async () => {
    stage.mode('wait');
    const first = await begin();
    server.put('ADDED', stage.assignment);
    await until(() => existsSync(join(stage.entry.dir, 'listening')) && phase() === 'Running');
    await first.shutdown();
    server.put('DELETED', stage.assignment);
    const writes = server.writes.length;
    stage.emptyGroup();
    await begin();
    await until(() => journal().length === 0);
    expect(server.writes).toHaveLength(writes);
  });

  it('takes back what died while no agent was there', async () => {
    stage.mode('wait');
    server.put('ADDED', stage.assignment);
    stage.orphan();
    await begin();
    await until(() => phase() === 'Failed');
    expect(server.object?.status).toMatchObject({ reason: 'OperationLost' });
  });

  it.each([
    ['tells the assignment that is still wanted', true],
    ['needs no assignment for it', false],
  ])('takes back an entry that cannot be read, counts it, and %s', async (_, isWanted) => {
    stage.mode('wait');
    if (isWanted) server.put('ADDED', stage.assignment);
    stage.orphan();
    stage.spoil();
    const agent = await begin();
    await until(() => journal().includes(`unreadable-${UID}`));
    if (isWanted) await until(() => phase() === 'Failed');
    agent.measure();
    const { values } = await metrics.unreadableEntries.get();
    expect(values).toMatchObject([{ value: 1 }]);
  });

  it('sweeps an entry that says nothing', async () => {
    mkdirSync(join(stage.dir, 'journal', UID), { recursive: true });
    await begin();
    expect(journal()).toEqual([]);
  });
});
