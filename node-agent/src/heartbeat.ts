/** Says that this node has an agent: a lease that is renewed while the agent runs, and taken away when it leaves in good order (docs/adr/0030). */
import { explain } from '@dynamo-snapshot/api/errors';
import { label, lease } from '@dynamo-snapshot/api/names';
import type { Clock } from '@dynamo-snapshot/api/time';
import type { Api } from '@dynamo-snapshot/controller/api';
import { leaseRef, microTime, pause } from '@dynamo-snapshot/controller/lease';
import type { Log } from '@dynamo-snapshot/controller/log';

const EVERY_MS = 10_000;
/** After a renewal that failed. */
const AGAIN_MS = 2000;
const DURATION_SECONDS = 40;

export interface HeartbeatParts {
  readonly api: Pick<Api, 'apply' | 'delete'>;
  readonly namespace: string;
  readonly nodeName: string;
  /** Name of this pod, for people. */
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
}

export async function heartbeat(parts: HeartbeatParts, signal: AbortSignal): Promise<void> {
  const { api, namespace, nodeName, log } = parts;
  const ref = leaseRef(namespace, `${lease.agentPrefix}${nodeName}`);
  while (!signal.aborted) {
    const renewed = await api.apply(ref, body(parts, ref.name)).then(
      () => true,
      (error: unknown) => {
        log.warn(`heartbeat: ${explain(error)}`);
        return false;
      },
    );
    await pause(renewed ? EVERY_MS : AGAIN_MS, signal);
  }
  await api.delete(ref).catch((error: unknown) => log.warn(`heartbeat: ${explain(error)}`));
}

const body = ({ namespace, holder, clock }: HeartbeatParts, name: string) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, namespace, labels: { [label.agent]: 'true' } },
  spec: {
    holderIdentity: holder,
    leaseDurationSeconds: DURATION_SECONDS,
    renewTime: microTime(clock.now()),
  },
});
