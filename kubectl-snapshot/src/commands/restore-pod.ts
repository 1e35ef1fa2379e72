/** The pod that is restored from a checkpoint, made of the pod that was captured; pure. The admission webhook makes a placeholder of it. */
import { annotation, label } from '@dynamo-snapshot/api/names';
import type { V1Container, V1Pod, V1PodSpec } from '@kubernetes/client-node';

export interface RestoreRequest {
  readonly checkpoint: string;
  readonly namespace: string;
  readonly name: string;
  /** Else the scheduler chooses. */
  readonly node?: string;
}

/** What binds a pod to the controller that made it. */
const CONTROLLER_LABELS = [
  /^pod-template-hash$/,
  /^controller-(uid|revision-hash)$/,
  /^job-name$/,
  /^batch\.kubernetes\.io\//,
  /^statefulset\.kubernetes\.io\//,
  /^apps\.kubernetes\.io\//,
];
const OWN_LABELS: readonly string[] = [label.isCheckpointSource, label.checkpointHash];

/** Made by the API server in every pod, and made again in the new one. */
const isAccessVolume = (name: string): boolean => name.startsWith('kube-api-access-');

export function restorePod(source: Pick<V1Pod, 'metadata' | 'spec'>, request: RestoreRequest): V1Pod {
  const { metadata, spec } = source;
  const labels = Object.entries(metadata?.labels ?? {}).filter(
    ([key]) => !OWN_LABELS.includes(key) && !CONTROLLER_LABELS.some((pattern) => pattern.test(key)),
  );
  const annotations = Object.entries(metadata?.annotations ?? {}).filter(
    ([key]) => !key.startsWith('kubectl.kubernetes.io/') && !key.startsWith('cni.'),
  );
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: request.name,
      namespace: request.namespace,
      labels: Object.fromEntries(labels),
      annotations: { ...Object.fromEntries(annotations), [annotation.restoreFrom]: request.checkpoint },
    },
    spec: podSpec(spec ?? { containers: [] }, request.node),
  };
}

function podSpec(spec: V1PodSpec, node: string | undefined): V1PodSpec {
  const { containers, initContainers, volumes, ...rest } = spec;
  // What the API server and the scheduler have filled in for the source.
  for (const field of [
    'nodeName',
    'priority',
    'hostname',
    'subdomain',
    'ephemeralContainers',
    'serviceAccount',
  ] as const)
    delete rest[field];
  return {
    ...rest,
    ...(node === undefined ? {} : { nodeName: node }),
    ...(initContainers === undefined ? {} : { initContainers: initContainers.map(withoutAccess) }),
    containers: containers.map(withoutAccess),
    ...(volumes === undefined ? {} : { volumes: volumes.filter((v) => !isAccessVolume(v.name)) }),
  };
}

function withoutAccess(container: V1Container): V1Container {
  const { volumeMounts, ...rest } = container;
  if (volumeMounts === undefined) return rest;
  return { ...rest, volumeMounts: volumeMounts.filter((m) => !isAccessVolume(m.name)) };
}
