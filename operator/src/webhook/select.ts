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
/** cel-go's parser refuses expressions of more than 100,000 code points, and with them every change of the configuration. */
const LONGEST = 90_000;

/**
 * True for the pods that some checkpoint selects or captures: the API server asks us about no others. False where there is none of
 * either: then it asks about none. Where that is too much for one expression, it is true for more pods than it need be.
 */
export function selectedExpression(checkpoints: readonly DynamoCheckpoint[]): string {
  const terms = checkpoints.flatMap(termsOf);
  if (terms.length === 0) return 'false';
  const byTerm = terms.length > MOST_SELECTORS ? [] : [ofTerms(terms)];
  const byNamespace = anyOf(terms.map(({ namespace }) => inNamespace(namespace)));
  return [...byTerm, byNamespace].find((expression) => expression.length <= LONGEST) ?? 'true';
}

function ofTerms(terms: readonly Term[]): string {
  const labelled = terms.filter((t) => 'labels' in t).map((t) => allLabels(t.namespace, t.labels));
  const named = terms
    .filter((t) => 'name' in t)
    .map((t) => `${inNamespace(t.namespace)} && object.metadata.name == ${quoted(t.name)}`);
  return [
    ...(labelled.length > 0 ? [`has(object.metadata.labels) && (${anyOf(labelled)})`] : []),
    ...(named.length > 0 ? [`has(object.metadata.name) && (${anyOf(named)})`] : []),
  ].join(' || ');
}

type Term =
  | { readonly namespace: string; readonly labels: Labels }
  | { readonly namespace: string; readonly name: string };

function termsOf(checkpoint: DynamoCheckpoint): readonly Term[] {
  const { namespace } = checkpoint.metadata;
  const { podName, selector } = checkpoint.spec.source ?? {};
  const labels = [selectorOf(checkpoint), selector?.matchLabels].filter((l) => l !== undefined);
  const name = podName === undefined ? [] : [{ namespace, name: podName }];
  return [...labels.map((l) => ({ namespace, labels: l })), ...name];
}

const anyOf = (expressions: readonly string[]): string =>
  [...new Set(expressions)]
    .sort()
    .map((e) => `(${e})`)
    .join(' || ');

const inNamespace = (namespace: string): string => `request.namespace == ${quoted(namespace)}`;

const allLabels = (namespace: string, wanted: Labels): string =>
  [
    inNamespace(namespace),
    ...Object.entries(wanted)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => {
        const labels = 'object.metadata.labels';
        return `${quoted(key)} in ${labels} && ${labels}[${quoted(key)}] == ${quoted(value)}`;
      }),
  ].join(' && ');

/** JSON's strings are CEL's. */
const quoted = (text: string): string => JSON.stringify(text);
