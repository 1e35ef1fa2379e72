import { mayMeet, overlap, selectedExpression } from '../../src/webhook/select';
import { checkpoint, job } from '../objects';

const selecting = (matchLabels: Record<string, string>, namespace = 'ns') =>
  checkpoint({ metadata: { namespace }, spec: { job: job(), restore: { podSelector: { matchLabels } } } });
/** The pods that it captures are those that another one selects. */
const capturing = checkpoint({ spec: { source: { selector: { matchLabels: { app: 'b' } } } } });

describe('selectors', () => {
  it.each([
    [{ app: 'a' }, { app: 'a' }, true, true],
    [{ app: 'a' }, { app: 'a', tier: 'x' }, true, true],
    [{ app: 'a' }, { tier: 'x' }, false, true],
    [{ app: 'a' }, { app: 'b' }, false, false],
    [{ app: 'a', tier: 'x' }, { app: 'a', tier: 'y' }, false, false],
  ])('%j and %j: the same pods %s, some pods %s', (a, b, same, some) => {
    expect([overlap(a, b), overlap(b, a)]).toEqual([same, same]);
    expect([mayMeet(a, b), mayMeet(b, a)]).toEqual([some, some]);
  });

  it('become one expression, in any order of the checkpoints', () => {
    const all = [selecting({ b: '"x', app: 'a' }), selecting({ app: 'b' }, 'other'), checkpoint(), capturing];
    const expression =
      'has(object.metadata.labels) && (' +
      '(request.namespace == "ns" && "app" in object.metadata.labels && object.metadata.labels["app"] == "a"' +
      ' && "b" in object.metadata.labels && object.metadata.labels["b"] == "\\"x") || ' +
      '(request.namespace == "ns" && "app" in object.metadata.labels && object.metadata.labels["app"] == "b") || ' +
      '(request.namespace == "other" && "app" in object.metadata.labels && object.metadata.labels["app"] == "b"))' +
      ' || has(object.metadata.name) && ((request.namespace == "ns" && object.metadata.name == "src"))';
    expect(selectedExpression(all)).toBe(expression);
    expect(selectedExpression([...all].reverse())).toBe(expression);
  });

  it('match nothing where nothing is selected', () => {
    expect(selectedExpression([checkpoint({ spec: { job: job() } })])).toBe('false');
  });

  it('become their namespaces where they are too many for an API server', () => {
    const many = Array.from({ length: 101 }, (_, i) => selecting({ app: `a${i}` }));
    expect(selectedExpression(many)).toBe('(request.namespace == "ns")');
  });

  it('become their namespaces where they are too long, and all pods where these are too', () => {
    const long = selecting({ app: 'a'.repeat(100_000) });
    expect(selectedExpression([long, selecting({ app: 'b' }, 'other')])).toBe(
      '(request.namespace == "ns") || (request.namespace == "other")',
    );
    const everywhere = Array.from({ length: 3000 }, (_, i) => selecting({ app: 'a' }, `team-${i}`));
    expect(selectedExpression(everywhere)).toBe('true');
  });

  it('of the longest labels that a checkpoint may have fit one expression', () => {
    const labels = Array.from({ length: 16 }, (_, i) => [`${i}`.padEnd(317, 'k'), 'v'.repeat(63)]);
    expect(selectedExpression([selecting(Object.fromEntries(labels))])).toContain('object.metadata.labels[');
  });
});
