import { decide } from '../../src/check/decide';
import type { Seen } from '../../src/check/decide';

const well: Seen = {
  served: ['dynamocheckpoints', 'snapshotassignments'],
  operator: { wanted: 1, ready: 1 },
  agents: { nodes: 2, ready: 2, pods: [] },
  store: { path: '/checkpoints' },
};
const agent = { node: 'node-b', ready: false, why: 'ErrImagePull: no such image' };

it('says of each part that it works', () => {
  expect(decide(well)).toEqual([
    { ok: true, text: 'nvidia.com/v1alpha1 serves dynamocheckpoints and snapshotassignments' },
    { ok: true, text: 'the operator is ready (1 of 1)' },
    { ok: true, text: 'an agent is ready on each of 2 nodes' },
    { ok: true, text: 'the store at /checkpoints can be written' },
  ]);
});

it.each<[string, Partial<Seen>, string]>([
  ['a kind that is not served', { served: ['dynamocheckpoints'] }, 'does not serve snapshotassignments'],
  ['an operator that is not ready', { operator: { wanted: 2, ready: 1 } }, '1 of 2 operator pods are ready'],
  ['an operator that is scaled away', { operator: { wanted: 0, ready: 0 } }, '0 of 0 operator pods'],
  [
    'the node whose agent is not ready, and why',
    { agents: { nodes: 2, ready: 1, pods: [agent] } },
    '1 of 2 nodes are without a ready agent: node-b (ErrImagePull: no such image)',
  ],
  ['agents that were not made yet', { agents: { nodes: 2, ready: 0, pods: [] } }, 'not made yet'],
  ['that no node is chosen', { agents: { nodes: 0, ready: 0, pods: [] } }, 'daemonset.nodeSelector'],
  ['a store that cannot be written', { store: { path: '/c', fault: 'EROFS' } }, 'cannot be written: EROFS'],
])('names %s', (_, change, words) => {
  const bad = decide({ ...well, ...change }).filter(({ ok }) => !ok);
  expect(bad).toHaveLength(1);
  expect(bad[0]?.text).toContain(words);
});
