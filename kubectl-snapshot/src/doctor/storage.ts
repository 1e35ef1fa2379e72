/** Whether all agents of a release share one store, and it has what is Ready; pure. */
import type { V1PersistentVolumeClaim, V1Pod } from '@kubernetes/client-node';
import { agentsFor, watchWords } from '../artifact/releases';
import type { Said } from './decide';
import { ok, problem, unknown } from './decide';
import type { SeenCluster } from './observe';

const REMEDY =
  'use a storage class that can ReadWriteMany (NFS, CephFS, Lustre, a cloud file share): storage.pvc.storageClass and storage.pvc.accessMode of the chart';

export function decideStorage(seen: SeenCluster): readonly Said[] {
  return [...decideClaims(seen), ...decideReadable(seen), ...decideArtifacts(seen)];
}

function decideClaims({ claims, agents }: SeenCluster): readonly Said[] {
  if ('unknown' in claims) return [unknown(`the claim of the store: ${claims.unknown}`)];
  const pods = 'value' in agents ? agents.value : [];
  return claims.value.map((claim) => ofClaim(claim, pods.filter((pod) => mounts(pod, claim)).length));
}

const mounts = ({ metadata, spec }: V1Pod, claim: V1PersistentVolumeClaim): boolean =>
  metadata?.namespace === claim.metadata?.namespace &&
  spec?.volumes?.some((v) => v.persistentVolumeClaim?.claimName === claim.metadata?.name) === true;

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

function decideReadable({ reports }: SeenCluster): readonly Said[] {
  return [...reports.values()].flatMap((r) =>
    'value' in r && r.value.report.storeUnknown !== undefined
      ? [unknown(`the store as this node sees it: ${r.value.report.storeUnknown}`, r.value.report.nodeName)]
      : [],
  );
}

interface Artifact {
  readonly namespace: string;
  readonly location: string;
}

function decideArtifacts(seen: SeenCluster): readonly Said[] {
  if ('unknown' in seen.checkpoints || 'unknown' in seen.agents) return [];
  const agents = seen.agents.value;
  // That is said already.
  if (agents.length === 0) return [];
  const ready = seen.checkpoints.value.flatMap(({ metadata, status }) =>
    status?.phase === 'Ready' && status.location !== undefined && metadata.deletionTimestamp === undefined
      ? [{ namespace: metadata.namespace, location: status.location }]
      : [],
  );
  const nobodys = new Set(
    ready.map((a) => a.namespace).filter((namespace) => agentsFor(namespace, agents).length === 0),
  );
  return [
    ...[...nobodys].map((namespace) =>
      unknown(
        `checkpoints of namespace ${namespace}: there is no agent of a release that watches ${watchWords(namespace)}`,
      ),
    ),
    ...ready.flatMap((artifact) => ofArtifact(artifact, agentsFor(artifact.namespace, agents), seen)),
  ];
}

/** A volume that is another folder on each node looks as if it could be shared. */
function ofArtifact(
  { location }: Artifact,
  agents: readonly V1Pod[],
  { reports }: Pick<SeenCluster, 'reports'>,
): readonly Said[] {
  const stores = agents.flatMap(({ metadata }) => {
    const found = reports.get(metadata?.name ?? '');
    const report = found !== undefined && 'value' in found ? found.value.report : undefined;
    return report === undefined ? [] : [report];
  });
  const isIn = stores.filter((s) => s.artifacts.includes(location));
  const isNotIn = stores.filter((s) => s.storeUnknown === undefined && !isIn.includes(s));
  if (isNotIn.length === 0) return [];
  if (isIn.length > 0) {
    const nodes = isNotIn.map((s) => s.nodeName).join(', ');
    const words = `the artifact ${location} is not in the store that ${nodes} sees: the nodes do not share one`;
    return [problem(words, REMEDY)];
  }
  const words = `the artifact ${location} of a Ready checkpoint is in no store`;
  // What is deleted is gone: a store that nobody has told of may have it.
  return isNotIn.length === agents.length
    ? [problem(words, 'delete the checkpoint, and capture again')]
    : [unknown(`${words} that was looked at; not every agent has told of its own`)];
}
