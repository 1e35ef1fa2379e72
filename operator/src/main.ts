/** The operator's program. */
import { randomUUID } from 'node:crypto';
import { explain } from '@dynamo-snapshot/api/errors';
import { fieldManager, lease } from '@dynamo-snapshot/api/names';
import { Api } from '@dynamo-snapshot/controller/api';
import { EventRecorder } from '@dynamo-snapshot/controller/events';
import { startHealth } from '@dynamo-snapshot/controller/health';
import { Election, leaseRef } from '@dynamo-snapshot/controller/lease';
import { logger } from '@dynamo-snapshot/controller/log';
import { makeMetrics } from '@dynamo-snapshot/controller/metrics';
import { askedToStop, connect, startFigures } from '@dynamo-snapshot/controller/process';
import { Registry } from 'prom-client';
import { operatorConfig } from './config';
import { SnapshotOperator } from './operator';
import type { Parts } from './parts';
import { readProgram } from './standby/program';
import { Webhook } from './webhook/webhook';

async function main(): Promise<void> {
  const config = operatorConfig(process.env);
  const log = logger(config.logLevel, 'operator');
  const kube = connect();
  const registry = new Registry();
  const metrics = makeMetrics(registry, 'operator');
  const events = new EventRecorder(kube, fieldManager.operator, log, Date);
  const api = new Api(kube, fieldManager.operator);
  const program = config.standbyProgram === '' ? undefined : await readProgram(config.standbyProgram);
  const shared = { kube, api, events, config, log, clock: Date, metrics };
  const parts: Parts = { ...shared, ...(program === undefined ? {} : { program }) };
  const operator = new SnapshotOperator(parts);
  const webhook = config.webhook && new Webhook(parts, config.webhook);
  const identity = `${config.podName}_${randomUUID()}`;
  const election = new Election({
    api,
    log,
    identity,
    lease: leaseRef(config.ownNamespace, lease.operator),
    clock: Date,
  });
  const ready = () => {
    if (webhook?.ready === false) return 'the webhook does not serve yet';
    return operator.healthy ? true : 'the objects are not watched yet';
  };
  const onScrape = () => operator.measure(election.leading);
  const health = await startHealth({ port: config.healthPort, ready, registry, onScrape });
  log.info('operator', { namespace: config.watchNamespace || 'all' });
  const stop = new AbortController();
  const stopped = askedToStop();
  try {
    await Promise.race([Promise.all([operator.start(), webhook?.start()]), stopped]);
    log.info('ready', startFigures());
    const race = election.run(stop.signal, (term) => operator.lead(term));
    await Promise.race([race, stopped]);
    log.info(`stopping on ${await stopped}`);
    stop.abort();
    await race;
  } finally {
    await Promise.all([operator.shutdown(), webhook?.close(), health.close()]);
  }
}

main().catch((error: unknown) => {
  console.error(explain(error));
  process.exitCode = 1;
});
