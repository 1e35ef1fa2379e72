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
  /** Until so many milliseconds have passed, an operator of another version may still admit pods that mount what it has made. */
  readonly othersStayMs: number;
}

export type Step =
  { readonly do: 'create' } | { readonly do: 'remove'; readonly name: string; readonly uid: string };

export interface Plan {
  /** In this order. */
  readonly steps: readonly Step[];
  /** Why placeholders will come with the installer. */
  readonly warning?: string;
  readonly requeueAfterMs?: number;
}

/** It changes by no event that we see: somebody else's ConfigMap goes. */
const LOOK_AGAIN_MS = 300_000;

export function decide({ own, wanted, mounted, found, othersStayMs }: Observed): Plan {
  const unused = [...found].filter(([name, { ours, same }]) => {
    const isNeeded = mounted.has(name) || (name === own && same && wanted);
    return ours && !isNeeded;
  });
  const [now, later] = parted(unused, ([name, { same }]) => (name === own && same) || othersStayMs <= 0);
  const removals = now.map(([name, { uid }]): Step => ({ do: 'remove', name, uid }));
  const here = found.get(own);
  const isFree = here === undefined || now.some(([name]) => name === own);
  const steps = isFree && (wanted || mounted.has(own)) ? [...removals, { do: 'create' } as const] : removals;
  const again = later.length === 0 ? {} : { requeueAfterMs: othersStayMs };
  if (here === undefined || here.same || isFree) return { steps, ...again };
  const whose = here.ours ? 'it is of another version' : 'it is not ours';
  const warning = `configmap ${own} holds something else, and ${whose}`;
  return { steps, warning, requeueAfterMs: LOOK_AGAIN_MS, ...again };
}

const parted = <T>(all: readonly T[], is: (one: T) => boolean): readonly [readonly T[], readonly T[]] => [
  all.filter(is),
  all.filter((one) => !is(one)),
];

/** Where placeholders may mount it: somebody else may have put anything under that name. */
export const isUsable = (found: Found | undefined): boolean => found?.same === true;
