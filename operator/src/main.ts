/** The operator's program. */
import { explain } from '@dynamo-snapshot/api/errors';
import { fieldManager } from '@dynamo-snapshot/api/names';
import { Api } from '@dynamo-snapshot/controller/api';
import { EventRecorder } from '@dynamo-snapshot/controller/events';
import { startHealth } from '@dynamo-snapshot/controller/health';
import { logger } from '@dynamo-snapshot/controller/log';
import { askedToStop, connect } from '@dynamo-snapshot/controller/process';
import { operatorConfig } from './config';
import { SnapshotOperator } from './operator';

async function main(): Promise<void> {
  const config = operatorConfig(process.env);
  const log = logger(config.logLevel, 'operator');
  const kube = connect();
  const events = new EventRecorder(kube, fieldManager.operator, log, Date);
  const api = new Api(kube, fieldManager.operator);
  const operator = new SnapshotOperator({ kube, api, events, config, log, clock: Date });
  const ready = () => (operator.healthy ? true : 'the objects are not watched yet');
  const health = await startHealth({ port: config.healthPort, ready });
  log.info('operator', { namespace: config.watchNamespace || 'all' });
  try {
    const stopped = askedToStop();
    try {
      await Promise.race([operator.start(), stopped]);
      log.info('ready', { afterSeconds: Number(process.uptime().toFixed(2)) });
    } catch (error) {
      await health.close();
      throw error;
    }
    log.info(`stopping on ${await stopped}`);
  } finally {
    await Promise.all([operator.shutdown(), health.close()]);
  }
}

main().catch((error: unknown) => {
  console.error(explain(error));
  process.exitCode = 1;
});
