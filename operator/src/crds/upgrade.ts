/** Brings the CustomResourceDefinitions of a cluster to our version; the chart's hook runs it before an install or upgrade. */
import { setTimeout as delay } from 'node:timers/promises';
import { assignmentCrd, checkpointCrd } from '@dynamo-snapshot/api/crds';
import { TerminalError, unreachable } from '@dynamo-snapshot/api/errors';
import type { Api } from '@dynamo-snapshot/controller/api';
import type { Log } from '@dynamo-snapshot/controller/log';
import type { Definition } from './decide';
import { decide } from './decide';

interface Found extends Definition {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

const ESTABLISHED_MS = 30_000;
const ASK_MS = 200;

const ref = ({ metadata }: Definition) => ({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  name: metadata.name,
});

export async function upgrade(api: Api, adopt: boolean, log: Log): Promise<void> {
  for (const wanted of [checkpointCrd, assignmentCrd]) {
    const { name } = wanted.metadata;
    const plan = decide(wanted, await api.getCluster<Found>(ref(wanted)), adopt);
    switch (plan.do) {
      case 'apply':
        await api.applyCluster(ref(wanted), wanted);
        await established(api, wanted);
        log.info(`${name} is of this version`);
        break;
      case 'leave':
        log.warn(`${name} is left as it is: ${plan.why}`);
        break;
      case 'refuse':
        throw new TerminalError('DefinitionTaken', `${name}: ${plan.why}`);
      default:
        unreachable(plan);
    }
  }
}

/** The operator's first list fails until the API server serves the kind. */
async function established(api: Api, wanted: Definition): Promise<void> {
  for (const end = Date.now() + ESTABLISHED_MS; ; await delay(ASK_MS)) {
    const found = await api.getCluster<Found>(ref(wanted));
    if (found?.status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True')) return;
    if (Date.now() > end)
      throw new Error(`${wanted.metadata.name} is not served after ${ESTABLISHED_MS / 1000} s`);
  }
}
