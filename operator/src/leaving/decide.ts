/** Whether work is to be cancelled because its pod leaves: it would hold the pod's processes, and could end in nothing; pure and total. */
import type { Observed } from './observe';

export type Plan = { readonly do: 'nothing' } | { readonly do: 'cancel' };

export const decide = ({ over, cancelled, pod }: Observed): Plan =>
  !over && !cancelled && (pod === 'leaving' || pod === 'gone') ? { do: 'cancel' } : { do: 'nothing' };
