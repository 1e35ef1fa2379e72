/** Whether all agents share one store; pure. */
import type { V1PersistentVolumeClaim } from '@kubernetes/client-node';
import type { Said } from './decide';
import { ok, problem, unknown } from './decide';
import type { SeenCluster } from './observe';

const REMEDY =
  'use a storage class that can ReadWriteMany (NFS, CephFS, Lustre, a cloud file share): storage.pvc.storageClass and storage.pvc.accessMode of the chart';

export function decideStorage(seen: SeenCluster): readonly Said[] {
  const { claims } = seen;
  if ('unknown' in claims) return [unknown(`the claim of the store: ${claims.unknown}`)];
  return [...claims.value.map((claim) => ofClaim(claim, agentCount(seen))), ...sameStore(seen)];
}

const agentCount = ({ agents }: SeenCluster): number => ('value' in agents ? agents.value.length : 0);

function ofClaim({ metadata, spec, status }: V1PersistentVolumeClaim, agents: number): Said {
  const name = `claim ${metadata?.namespace}/${metadata?.name}`;
  if (status?.phase !== 'Bound')
    return problem(
      `${name} is ${status?.phase ?? 'Pending'}, so no agent can start`,
      `kubectl --namespace ${metadata?.namespace} describe pvc ${metadata?.name}; ${REMEDY}`,
    );
  const modes = spec?.accessModes ?? [];
  if (modes.includes('ReadWriteMany')) return ok(`${name} is bound, and all nodes may write it`);
  const words = `${name} is ${modes.join(', ') || 'of no access mode'}, not ReadWriteMany`;
  return agents > 1
    ? problem(`${words}: a checkpoint of one node cannot be restored on another`, REMEDY)
    : ok(`${words}, which one node can do with`);
}

/** A volume that is another folder on each node looks as if it could be shared. */
function sameStore({ checkpoints, reports }: SeenCluster): readonly Said[] {
  const ready = ('value' in checkpoints ? checkpoints.value : []).flatMap(({ status }) =>
    status?.phase === 'Ready' && status.location !== undefined ? [status.location] : [],
  );
  const stores = [...reports.values()].flatMap((r) => ('value' in r ? [r.value.report] : []));
  return ready.flatMap((location) => {
    const without = stores.filter((s) => !s.artifacts.includes(location)).map((s) => s.nodeName);
    if (without.length === 0) return [];
    if (without.length === stores.length)
      return [
        problem(
          `the artifact ${location} of a Ready checkpoint is in no store`,
          'delete the checkpoint, and capture again',
        ),
      ];
    const words = `the artifact ${location} is not in the store that ${without.join(', ')} sees: the nodes do not share one`;
    return [problem(words, REMEDY)];
  });
}
