/**
 * Which ConfigMaps with the program of placeholders a namespace shall have: the one of this version as long as a checkpoint is there to
 * restore from, and each as long as a pod mounts it. Pure.
 */

export interface Found {
  readonly uid: string;
  /** It has our label: we have made it, and may remove it. */
  readonly ours: boolean;
  /** It holds the program of this version, and nothing else. */
  readonly same: boolean;
}

export interface Observed {
  /** The name of this version's. */
  readonly own: string;
  /** The namespace has a checkpoint that stays. */
  readonly wanted: boolean;
  /** By pods that are not over: a kubelet that has yet to mount it, or starts again, reads it. */
  readonly mounted: ReadonlySet<string>;
  readonly found: ReadonlyMap<string, Found>;
}

export type Step =
  { readonly do: 'create' } | { readonly do: 'remove'; readonly name: string; readonly uid: string };

export interface Plan {
  /** In this order. */
  readonly steps: readonly Step[];
  /** Why placeholders will come with the installer. */
  readonly warning?: string;
}

export function decide({ own, wanted, mounted, found }: Observed): Plan {
  const here = found.get(own);
  const isNeeded = wanted || mounted.has(own);
  const removals = [...found].flatMap(([name, { uid, ours, same }]): readonly Step[] => {
    const stays = mounted.has(name) || (name === own && same && wanted);
    return ours && !stays ? [{ do: 'remove', name, uid }] : [];
  });
  const isFree = here === undefined || removals.some((step) => step.do === 'remove' && step.name === own);
  const steps: readonly Step[] = isNeeded && isFree ? [...removals, { do: 'create' }] : removals;
  if (here === undefined || here.same || isFree) return { steps };
  const whose = here.ours ? 'pods of another version still mount it' : 'it is not ours';
  return { steps, warning: `configmap ${own} holds something else, and ${whose}` };
}

/** Where placeholders may mount it: somebody else may have put anything under that name. */
export const isUsable = (found: Found | undefined): boolean => found?.same === true;
