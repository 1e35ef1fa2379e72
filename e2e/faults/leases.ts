/** Leases that nobody holds any more; pure. */
import { lease } from '@dynamo-snapshot/api/names';

export interface LeaseObject {
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly renewTime?: string;
    readonly leaseDurationSeconds?: number;
  };
}

/**
 * The operators' lease must be of a pod that is there, and renewed in time. That of the sweep only says whose turn it was last
 * (node-agent: sweep/turn.ts): nobody renews it, and its holder may have gone. There is no other.
 */
export function leaseFaults(
  leases: readonly LeaseObject[],
  { pods, now }: { readonly pods: readonly string[]; readonly now: number },
): readonly string[] {
  return leases
    .filter(({ metadata }) => metadata.name !== lease.sweep)
    .flatMap(({ metadata: { name }, spec }) => {
      if (name !== lease.operator) return [`lease ${name}, which nobody knows`];
      // Of one process of it.
      const holder = (spec?.holderIdentity ?? '').replace(/_.*$/, '');
      if (!pods.includes(holder)) return [`lease ${name} of ${holder || 'nobody'}, who is gone`];
      const age = now - Date.parse(spec?.renewTime ?? '');
      const limit = (spec?.leaseDurationSeconds ?? 0) * 1000;
      return age <= limit
        ? []
        : [`lease ${name}, which ${holder} has not renewed for ${Math.round(age / 1000)} s`];
    });
}
