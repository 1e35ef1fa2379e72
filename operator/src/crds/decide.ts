/** What the chart's hook does about a CustomResourceDefinition that may be in the cluster already; pure (docs/adr/0036). */
import { VERSION_ANNOTATION } from '@dynamo-snapshot/api/names';

export interface Definition {
  readonly metadata: {
    readonly name: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

export type Plan =
  | { readonly do: 'apply' }
  | { readonly do: 'leave'; readonly why: string }
  | { readonly do: 'refuse'; readonly why: string };

export function decide(wanted: Definition, found: Definition | undefined, adopt: boolean): Plan {
  if (found === undefined) return { do: 'apply' };
  const there = found.metadata.annotations?.[VERSION_ANNOTATION];
  const ours = wanted.metadata.annotations?.[VERSION_ANNOTATION] ?? '';
  if (there !== undefined)
    return newer(there, ours) ? { do: 'leave', why: `it is of version ${there}, newer than ${ours}` } : { do: 'apply' };
  if (adopt) return { do: 'apply' };
  return {
    do: 'refuse',
    why: `it is there already and is not of this chart (it has no annotation ${VERSION_ANNOTATION}); remove what it belongs to, or set crds.adopt=true to replace it`,
  };
}

const numbers = (version: string): readonly number[] => version.split(/[.+-]/).slice(0, 3).map(Number);

/** Of two x.y.z; what cannot be read is not newer. */
function newer(a: string, b: string): boolean {
  const [left, right] = [numbers(a), numbers(b)];
  const at = left.findIndex((n, i) => n !== right[i]);
  return at >= 0 && (left[at] ?? 0) > (right[at] ?? 0);
}
