/** What the CEL rules of the CRD cannot say of a DynamoCheckpoint: all faults at once; pure. */
import { backendOf } from '@dynamo-snapshot/api/backends';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import type { V1PodTemplateSpec } from '@kubernetes/client-node';
import { targetContainer } from '../assignment/container';
import { quiesceFaults, quiesceWarnings } from './quiesce';
import { mayMeet, overlap, selectorOf } from './select';

export interface Verdict {
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** `others`: those of its namespace. */
export function validate(checkpoint: DynamoCheckpoint, others: readonly DynamoCheckpoint[]): Verdict {
  const rivals = others.filter(
    (c) => c.metadata.name !== checkpoint.metadata.name && c.metadata.deletionTimestamp === undefined,
  );
  const selector = selectorFaults(checkpoint, rivals);
  return {
    faults: [
      ...backendFaults(checkpoint),
      ...templateFaults(checkpoint),
      ...quiesceFaults(checkpoint.spec),
      ...selector.faults,
    ],
    warnings: [...selector.warnings, ...waitWarnings(checkpoint), ...quiesceWarnings(checkpoint.spec)],
  };
}

function backendFaults({ spec: { identity } }: DynamoCheckpoint): readonly string[] {
  const backend = backendOf(identity.backendFramework);
  return 'refused' in backend ? [`spec.identity.backendFramework: ${backend.refused}`] : [];
}

function templateFaults({ spec: { job } }: DynamoCheckpoint): readonly string[] {
  if (job === undefined) return [];
  const template = job.podTemplateSpec as unknown as V1PodTemplateSpec;
  const containers = template.spec?.containers ?? [];
  const path = 'spec.job.podTemplateSpec.spec';
  if (!Array.isArray(containers) || containers.length === 0)
    return [`${path}.containers: needs at least one container`];
  const incomplete = containers.flatMap(({ name, image }, i) => [
    ...(name ? [] : [`${path}.containers[${i}].name: is required`]),
    ...(image ? [] : [`${path}.containers[${i}].image: is required`]),
  ]);
  if (targetContainer(containers, job.targetContainerName) !== undefined) return incomplete;
  const names = containers.map((c) => c.name).join(', ');
  const fault =
    job.targetContainerName === undefined
      ? `spec.job.targetContainerName: name one of ${names}`
      : `spec.job.targetContainerName: ${job.targetContainerName} is none of ${names}`;
  return [...incomplete, fault];
}

function selectorFaults(checkpoint: DynamoCheckpoint, rivals: readonly DynamoCheckpoint[]): Verdict {
  const own = selectorOf(checkpoint);
  if (own === undefined) return { faults: [], warnings: [] };
  const found = rivals.flatMap((rival) => {
    const theirs = selectorOf(rival);
    if (theirs === undefined) return [];
    const { name } = rival.metadata;
    if (overlap(own, theirs)) return [{ fault: true, name }];
    return mayMeet(own, theirs) ? [{ fault: false, name }] : [];
  });
  const path = 'spec.restore.podSelector';
  return {
    faults: found
      .filter((f) => f.fault)
      .map(({ name }) => `${path}: selects the same pods as that of DynamoCheckpoint ${name}`),
    warnings: found
      .filter((f) => !f.fault)
      .map(({ name }) => `${path}: a pod may match that of DynamoCheckpoint ${name} too; the older one wins`),
  };
}

/** Allowed, for the source itself does not wait (decide.ts); but its twins do, until it is captured. */
function waitWarnings({ spec: { source, restore } }: DynamoCheckpoint): readonly string[] {
  const from = source?.selector?.matchLabels;
  const to = restore?.podSelector?.matchLabels;
  if (restore?.startupPolicy !== 'WaitForCheckpoint' || from === undefined || to === undefined) return [];
  return mayMeet(from, to)
    ? ['spec.restore.startupPolicy: pods that spec.source selects start cold and do not wait']
    : [];
}
