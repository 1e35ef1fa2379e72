/** docs/reference/reasons.md: what every reason of a condition, event or assignment means, and what to do. */
import { agentReasons } from '@dynamo-snapshot/api/agent-reasons';
import { reason } from '@dynamo-snapshot/api/names';
import type { Advice } from '@dynamo-snapshot/api/reasons';
import { operatorReasons } from '@dynamo-snapshot/api/reasons';
import { code, complete, table } from './markdown';

/** A literal reason in our sources: the first argument of a TerminalError, or a field of that name. */
const LITERAL = /(?:TerminalError\(\s*|\breason: )'([A-Z]\w+)'/g;

export const usedReasons = (sources: readonly string[]): readonly string[] => [
  ...new Set(sources.flatMap((text) => [...text.matchAll(LITERAL)].map(([, name = '']) => name))),
];

const rows = (advice: Readonly<Record<string, Advice>>): string =>
  table(
    ['Reason', 'Meaning', 'What to do'],
    Object.entries(advice)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, { meaning, remedy }]) => [code(name), meaning, remedy]),
  );

export function reasonsPage(sources: readonly string[]): string {
  const known = { ...operatorReasons, ...agentReasons };
  const used = [...Object.values(reason), ...usedReasons(sources)];
  complete(
    used.filter((name) => !(name in known)),
    'meaning (api/src/reasons.ts, api/src/agent-reasons.ts)',
  );
  return [
    '# Reasons\n',
    'Where they stand: `kubectl describe checkpoint NAME`, `kubectl describe pod NAME` (condition `nvidia.com/Restored`, events), and',
    '`kubectl get snapshotassignments -o wide`.\n',
    '## Of checkpoints and pods\n',
    rows(operatorReasons),
    '## Of operations on a node\n',
    'An operation that fails for such a reason is taken back: a source goes on serving, a placeholder is empty again.\n',
    rows(agentReasons),
  ].join('\n');
}
