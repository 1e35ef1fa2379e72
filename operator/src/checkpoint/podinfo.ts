/** What a worker of Dynamo reads again from /etc/podinfo when it wakes up in another pod; pure. A label that is absent makes an empty file. */
import type { V1DownwardAPIVolumeFile } from '@kubernetes/client-node';

const field = (path: string, fieldPath: string): V1DownwardAPIVolumeFile => ({
  path,
  fieldRef: { fieldPath },
});
const label = (path: string, name: string): V1DownwardAPIVolumeFile =>
  field(path, `metadata.labels['nvidia.com/${name}']`);

export const podinfo = (): V1DownwardAPIVolumeFile[] => [
  field('pod_name', 'metadata.name'),
  field('pod_namespace', 'metadata.namespace'),
  field('pod_uid', 'metadata.uid'),
  label('dyn_namespace', 'dynamo-namespace'),
  label('dyn_namespace_worker_suffix', 'dynamo-worker-hash'),
  label('dyn_component', 'dynamo-component'),
  label('dyn_parent_dgd_k8s_name', 'dynamo-graph-deployment-name'),
  field('dyn_parent_dgd_k8s_namespace', 'metadata.namespace'),
];
