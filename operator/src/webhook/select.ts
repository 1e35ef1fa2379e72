/** Which pods a checkpoint selects, which selectors get in each other's way, and the same as CEL for the API server; pure. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import type { V1Pod } from '@kubernetes/client-node';

export type Labels = Readonly<Record<string, string>>;

export const selectorOf = ({ spec }: DynamoCheckpoint): Labels | undefined =>
  spec.restore?.podSelector?.matchLabels;

export const hasLabels = (labels: Labels | undefined, wanted: Labels): boolean =>
  Object.entries(wanted).every(([key, value]) => labels?.[key] === value);

export function selectedBy(pod: V1Pod, checkpoint: DynamoCheckpoint): boolean {
  const selector = selectorOf(checkpoint);
  return selector !== undefined && hasLabels(pod.metadata?.labels, selector);
}

/** Every pod that one selects is selected by the other too. */
export const overlap = (a: Labels, b: Labels): boolean => hasLabels(a, b) || hasLabels(b, a);

/** A pod could have all labels of both, though none of the two says so. */
export const mayMeet = (a: Labels, b: Labels): boolean =>
  Object.entries(a).every(([key, value]) => b[key] === undefined || b[key] === value);

/** Beyond this the API server would spend longer on the expression than on asking us (CEL cost, KEP-3716). */
const MOST_SELECTORS = 100;

/**
 * True for the pods that some checkpoint selects: the API server asks us about no others. Null where there is nothing to select:
 * then it asks about none.
 */
export function selectedExpression(checkpoints: readonly DynamoCheckpoint[]): string {
  const terms = checkpoints.flatMap((checkpoint) => {
    const selector = selectorOf(checkpoint);
    return selector === undefined ? [] : [{ namespace: checkpoint.metadata.namespace, selector }];
  });
  if (terms.length === 0) return 'false';
  const expressions =
    terms.length > MOST_SELECTORS
      ? terms.map(({ namespace }) => `request.namespace == ${quoted(namespace)}`)
      : terms.map(({ namespace, selector }) => term(namespace, selector));
  const all = [...new Set(expressions)].sort().map((e) => `(${e})`);
  return `has(object.metadata.labels) && (${all.join(' || ')})`;
}

const term = (namespace: string, selector: Labels): string =>
  [
    `request.namespace == ${quoted(namespace)}`,
    ...Object.entries(selector)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => {
        const labels = 'object.metadata.labels';
        return `${quoted(key)} in ${labels} && ${labels}[${quoted(key)}] == ${quoted(value)}`;
      }),
  ].join(' && ');

/** JSON's strings are CEL's. */
const quoted = (text: string): string => JSON.stringify(text);
