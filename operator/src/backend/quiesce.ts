/** How a worker is brought to rest and woken: as its checkpoint says, else as the profile of its backend does; pure. */
import { backendHooks, backendOf } from '@dynamo-snapshot/api/backends';
import type { BackendProfile } from '@dynamo-snapshot/api/backends';
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import type { Hook } from '@dynamo-snapshot/api/hooks';
import type { V1Container } from '@kubernetes/client-node';
import { servingPort } from './port';

export interface Quiesce {
  readonly beforeCapture?: readonly Hook[];
  readonly afterCapture?: readonly Hook[];
  readonly afterRestore?: readonly Hook[];
}

export function profileOf({ spec }: DynamoCheckpoint): BackendProfile | undefined {
  const backend = backendOf(spec.identity.backendFramework);
  return 'refused' in backend ? undefined : backend.profile;
}

/** `container`: the one that is captured, as its pod says it. */
export function quiesceOf(checkpoint: DynamoCheckpoint, container: V1Container): Quiesce {
  if (checkpoint.spec.quiesce !== undefined) return checkpoint.spec.quiesce;
  const profile = profileOf(checkpoint);
  const wanted = profile?.hooks?.onlyWith;
  const isOpen = container.env?.some((e) => e.name === wanted?.name && e.value === wanted.value) === true;
  if (profile?.port === undefined || !isOpen) return {};
  return backendHooks(profile, servingPort(container, profile.port));
}
