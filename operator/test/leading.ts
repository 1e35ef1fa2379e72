/** A whole operator against an API server over http. */
import { Api } from '@dynamo-snapshot/controller/api';
import { EventRecorder } from '@dynamo-snapshot/controller/events';
import { silent } from '@dynamo-snapshot/controller/log';
import { makeMetrics } from '@dynamo-snapshot/controller/metrics';
import { Registry } from 'prom-client';
import type { ApiServer } from '../../controller/test/apiserver';
import { operatorConfig } from '../src/config';
import { SnapshotOperator } from '../src/operator';
import type { Program } from '../src/standby/program';

interface Leading {
  /** Beside the namespaces, which are `ns`. */
  readonly env?: Readonly<Record<string, string>>;
  readonly program?: Program;
}

/** Started, and leading until the signal says that its term is over. */
export async function leading(
  { config: kube }: ApiServer,
  term: AbortSignal,
  { env, ...more }: Leading = {},
): Promise<SnapshotOperator> {
  const operator = new SnapshotOperator({
    kube,
    api: new Api(kube, 'operator'),
    events: new EventRecorder(kube, 'operator', silent, Date),
    config: operatorConfig({ WATCH_NAMESPACE: 'ns', POD_NAMESPACE: 'ns', ...env }),
    log: silent,
    clock: Date,
    metrics: makeMetrics(new Registry(), 'operator'),
    ...more,
  });
  await operator.start();
  void operator.lead(term);
  return operator;
}
