/** Conditions as Kubernetes wants them: one of a type, and a transition time that moves only when the status does. */
import type { Instant } from './time';
import { isoSeconds } from './time';

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

export type NewCondition = Omit<Condition, 'lastTransitionTime'>;

export const findCondition = <C extends { readonly type: string }>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined => conditions?.find((c) => c.type === type);

/** The list with `next` in it; the given list itself when nothing would change. */
export function withCondition(
  list: readonly Condition[],
  next: NewCondition,
  now: Instant,
): readonly Condition[] {
  const old = findCondition(list, next.type);
  if (old && same(old, next)) return list;
  const lastTransitionTime = old?.status === next.status ? old.lastTransitionTime : isoSeconds(now);
  return [...list.filter((c) => c.type !== next.type), { ...next, lastTransitionTime }];
}

const same = (a: Condition, b: NewCondition): boolean =>
  a.status === b.status &&
  a.reason === b.reason &&
  a.message === b.message &&
  a.observedGeneration === b.observedGeneration;
