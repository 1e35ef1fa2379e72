/** Everything that the doctor judges a cluster by. What may not be read, or cannot be, is a reason and not the end. */
import type {
  V1DaemonSet,
  V1Deployment,
  V1MutatingWebhookConfiguration,
  V1Node,
  V1PersistentVolumeClaim,
  V1Pod,
} from '@kubernetes/client-node';
import { AdmissionregistrationV1Api, AppsV1Api, CoreV1Api, DiscoveryV1Api } from '@kubernetes/client-node';
import { text } from 'node:stream/consumers';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import type { NodeReport } from '@dynamo-snapshot/api/doctor';
import { explain } from '@dynamo-snapshot/api/errors';
import { AGENT_SELECTOR } from '@dynamo-snapshot/api/names';
import { words } from '@dynamo-snapshot/controller/api';
import { agentPod, isReady, listAgents } from '../artifact/agents';
import { doctorCommand, execArgs } from '../artifact/args';
import type { Session } from '../session';

/** A value, or why there is none. */
export type Seen<T> = { readonly value: T } | { readonly unknown: string };

export interface SeenReport {
  readonly report: NodeReport;
  /** How far its clock is ahead of this machine's, at least. */
  readonly clockAheadMs: number;
}

export interface SeenWebhook {
  readonly configuration: V1MutatingWebhookConfiguration;
  /** Ready endpoints of each service that its webhooks name. */
  readonly endpoints: Seen<number>;
}

export interface SeenCluster {
  readonly checkpoints: Seen<readonly DynamoCheckpoint[]>;
  readonly nodes: Seen<readonly V1Node[]>;
  readonly agents: Seen<readonly V1Pod[]>;
  readonly daemonSets: Seen<readonly V1DaemonSet[]>;
  /** Warnings about agents' pods that are not ready, by pod. */
  readonly warnings: ReadonlyMap<string, string>;
  readonly operators: Seen<readonly V1Deployment[]>;
  readonly webhooks: Seen<readonly SeenWebhook[]>;
  readonly claims: Seen<readonly V1PersistentVolumeClaim[]>;
  /** By name of the agent's pod. */
  readonly reports: ReadonlyMap<string, Seen<SeenReport>>;
}

const OPERATOR_SELECTOR = 'app.kubernetes.io/component=operator';
/** Of the chart's objects, whatever the release is called. */
const OURS = /snapshot/;

const seen = async <T>(look: () => Promise<T>): Promise<Seen<T>> => {
  try {
    return { value: await look() };
  } catch (error) {
    return { unknown: words(error) };
  }
};

const valueOr = <T>(found: Seen<T>, fallback: T): T => ('value' in found ? found.value : fallback);

export async function observe(session: Session): Promise<SeenCluster> {
  const { cluster } = session;
  const { config } = cluster;
  const apps = config.makeApiClient(AppsV1Api);
  const core = config.makeApiClient(CoreV1Api);
  const [checkpoints, nodes, agents, daemonSets, operators, webhooks] = await Promise.all([
    seen(() => cluster.listCheckpoints(undefined)),
    seen(async () => (await core.listNode()).items),
    seen(() => listAgents(session)),
    seen(async () => (await apps.listDaemonSetForAllNamespaces({ labelSelector: AGENT_SELECTOR })).items),
    seen(async () => (await apps.listDeploymentForAllNamespaces({ labelSelector: OPERATOR_SELECTOR })).items),
    seen(() => observeWebhooks(session)),
  ]);
  const pods = valueOr(agents, []);
  return {
    checkpoints,
    nodes,
    agents,
    daemonSets,
    operators:
      'value' in operators
        ? { value: operators.value.filter((d) => OURS.test(d.metadata?.name ?? '')) }
        : operators,
    webhooks,
    warnings: await observeWarnings(
      core,
      pods.filter((pod) => !isReady(pod)),
    ),
    claims: await seen(() => observeClaims(core, valueOr(daemonSets, []))),
    reports: new Map(await Promise.all(pods.filter(isReady).map((pod) => report(session, pod)))),
  };
}

async function observeWebhooks({ cluster: { config } }: Session): Promise<readonly SeenWebhook[]> {
  const found = await config.makeApiClient(AdmissionregistrationV1Api).listMutatingWebhookConfiguration();
  const discovery = config.makeApiClient(DiscoveryV1Api);
  return Promise.all(
    found.items
      .filter((c) => OURS.test(c.metadata?.name ?? ''))
      .map(async (configuration) => {
        const service = configuration.webhooks?.[0]?.clientConfig.service;
        const { namespace = '', name = '' } = service ?? {};
        const labelSelector = `kubernetes.io/service-name=${name}`;
        const endpoints = await seen(async () => {
          const { items } = await discovery.listNamespacedEndpointSlice({ namespace, labelSelector });
          return items.flatMap((s) => s.endpoints ?? []).filter((e) => e.conditions?.ready !== false).length;
        });
        return { configuration, endpoints };
      }),
  );
}

/** The last warning of each: FailedMount of a socket that is not there, for one. */
async function observeWarnings(
  core: CoreV1Api,
  pods: readonly V1Pod[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const { metadata } of pods) {
    const { namespace = '', name = '', uid = '' } = metadata ?? {};
    const events = await seen(
      async () =>
        (await core.listNamespacedEvent({ namespace, fieldSelector: `involvedObject.uid=${uid}` })).items,
    );
    const warning = valueOr(events, [])
      .filter((e) => e.type === 'Warning')
      .at(-1);
    if (warning !== undefined) found.set(name, `${warning.reason ?? ''}: ${warning.message ?? ''}`);
  }
  return found;
}

async function observeClaims(
  core: CoreV1Api,
  daemonSets: readonly V1DaemonSet[],
): Promise<readonly V1PersistentVolumeClaim[]> {
  const claims = daemonSets.flatMap(({ metadata, spec }) =>
    (spec?.template.spec?.volumes ?? []).flatMap((v) =>
      v.persistentVolumeClaim === undefined
        ? []
        : [{ namespace: metadata?.namespace ?? '', name: v.persistentVolumeClaim.claimName }],
    ),
  );
  return Promise.all(claims.map((claim) => core.readNamespacedPersistentVolumeClaim(claim)));
}

/** The node's clock is read somewhere between asking and hearing. */
async function report(session: Session, pod: V1Pod): Promise<readonly [string, Seen<SeenReport>]> {
  const { clock } = session.world;
  const agent = agentPod(pod);
  const asked = clock.now();
  const found = await seen(async () => {
    const { stdin, stdout, ended } = session.kubectl(execArgs(agent, doctorCommand));
    stdin.end();
    const [printed, { code, stderr }] = await Promise.all([text(stdout), ended]);
    const heard = clock.now();
    if (code !== 0) throw new Error(stderr || `exit ${code}`);
    const said = JSON.parse(printed) as NodeReport;
    return { report: said, clockAheadMs: clockAhead(said.now, asked, heard) };
  }).catch((error: unknown) => ({ unknown: explain(error) }));
  return [agent.name, found];
}

/** Anything between asking and hearing agrees with ours; what lies outside is off by at least so much. */
const clockAhead = (now: number, asked: number, heard: number): number =>
  now < asked ? now - asked : Math.max(0, now - heard);
