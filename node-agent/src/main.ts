/** The node agent's program. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { explain } from '@dynamo-snapshot/api/errors';
import { fieldManager } from '@dynamo-snapshot/api/names';
import { Api } from '@dynamo-snapshot/controller/api';
import { startHealth } from '@dynamo-snapshot/controller/health';
import { logger } from '@dynamo-snapshot/controller/log';
import { makeMetrics } from '@dynamo-snapshot/controller/metrics';
import { askedToStop, connect, startFigures } from '@dynamo-snapshot/controller/process';
import { Registry } from 'prom-client';
import { Agent } from './agent';
import type { RuntimeWatch } from './assignment/awaited';
import type { AgentConfig } from './config';
import { agentConfig } from './config';
import { learnKernel } from './criu/learn';
import { answers, runtimeLost, socketPath } from './runtime/socket';
import { StoreVolume } from './store/volume';
import type { SweeperParts } from './sweep/sweep';
import { sweeping } from './sweep/sweep';

async function main(): Promise<void> {
  const config = agentConfig(process.env);
  const log = logger(config.logLevel, 'agent');
  const kube = connect();
  const api = new Api(kube, fieldManager.agent);
  const socket = socketPath(config.criSocket);
  const registry = new Registry();
  const metrics = makeMetrics(registry, 'agent');
  const volume = await StoreVolume.mountedAt(config.store);
  const needs = { runtimeAnswers: () => answers(socket), storeIsThere: () => volume.isThere() };
  const where = volume.device === undefined ? {} : { storeDevice: volume.device };
  const runtime = runtimeAt(config.criSocket);
  const agent = new Agent({ kube, api, config, log, clock: Date, metrics, runtime, ...needs, ...where });
  // Its pod being Ready is how the operator knows that this node has an agent (docs/adr/0030): what is asked here is no more than
  // what an agent needs to take work. It may fail for a while, and no operation ends over it.
  const ready = () => {
    if (!existsSync(socket)) return `the runtime's socket ${socket} does not exist`;
    return agent.healthy ? true : 'the assignments are not watched yet';
  };
  const health = await startHealth({
    port: config.healthPort,
    ready,
    registry,
    onScrape: () => agent.measure(),
  });
  log.info(`agent of ${config.nodeName}`, { namespace: config.watchNamespace || 'all' });
  const lost = Promise.race([
    runtimeLost(socket).then(() => `the runtime does not answer at ${socket}`),
    volume.lost().then(() => `the volume at ${config.store} has gone`),
  ]).then((what) => {
    process.exitCode = 1;
    return `${what} (a new container mounts it anew)`;
  });
  const stopped = Promise.race([askedToStop(), lost]);
  try {
    await Promise.race([agent.start(), stopped]);
    log.info('ready', startFigures());
  } catch (error) {
    await health.close();
    throw error;
  }
  const learned = learnKernel(config, log);
  const leave = new AbortController();
  const sweeper = sweepStore({ api, config, log, metrics }, leave.signal);
  log.info(`stopping on ${await stopped}; running operations go on`);
  leave.abort();
  await Promise.all([learned, sweeper, agent.shutdown(), health.close()]);
}

/** gRPC is loaded when it is needed for the first time. */
const runtimeAt = (endpoint: string): RuntimeWatch => ({
  firstContainer: async (...which) => (await import('./runtime/starts')).firstContainer(endpoint, ...which),
  followStarts: async (...on) => (await import('./runtime/starts')).followStarts(endpoint, ...on),
});

type SweepNeeds = Pick<SweeperParts, 'api' | 'log' | 'metrics'> & { readonly config: AgentConfig };

async function sweepStore({ api, config, log, metrics }: SweepNeeds, signal: AbortSignal): Promise<void> {
  const { sweep, store, watchNamespace, ownNamespace, podName } = config;
  if (sweep === undefined) return;
  const holder = `${podName}_${randomUUID()}`;
  const places = { store, watchNamespace, ownNamespace };
  const parts = { api, log, metrics, ...places, holder, config: sweep, clock: Date, random: Math.random };
  await sweeping(parts, signal);
}

main().catch((error: unknown) => {
  console.error(explain(error));
  process.exitCode = 1;
});
