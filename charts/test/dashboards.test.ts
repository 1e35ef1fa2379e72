/** What the dashboard and the alerts ask for has to be what operator and agent measure. */
import { operations } from '@dynamo-snapshot/api/assignment';
import { checkpointPhases } from '@dynamo-snapshot/api/checkpoint';
import { metricTable } from '@dynamo-snapshot/controller/metrics';
import { objects, only } from './helm';

const shown = objects({ dashboards: { enabled: true }, alerts: { enabled: true } });
const { panels } = JSON.parse(
  only(shown, 'ConfigMap', '-dashboard')['data']['dynamo-snapshot.json'] as string,
) as {
  panels: {
    id: number;
    title: string;
    description: string;
    targets: { expr: string }[];
    gridPos: { x: number; y: number; w: number; h: number };
  }[];
};
const rules = (
  only(shown, 'PrometheusRule')['spec'].groups as {
    rules: { alert: string; expr: string; annotations: Record<string, string> }[];
  }[]
).flatMap((g) => g.rules);
const queries: readonly (readonly [string, string])[] = [
  ...panels.flatMap((p) => p.targets.map((t) => [`panel "${p.title}"`, t.expr] as const)),
  ...rules.map((r) => [`alert ${r.alert}`, r.expr] as const),
];

interface Known {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
}
const metrics: readonly Known[] = Object.values(metricTable);
/** A histogram is asked for by its parts. */
const series = new Map(
  metrics.flatMap((m) =>
    m.type === 'histogram'
      ? ['_bucket', '_sum', '_count'].map((part) => [m.name + part, m] as const)
      : [[m.name, m] as const],
  ),
);
/** What Prometheus adds to each. */
const ADDED = ['namespace', 'pod', 'job', 'instance', 'le'];

it.each(queries)('%s asks for metrics that exist, by labels that they have', (_, query) => {
  const asked = [...query.matchAll(/(dynamo_snapshot_\w+)(?:\{([^}]*)\})?/g)];
  expect(asked.length).toBeGreaterThan(0);
  const by = [...query.matchAll(/by \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(/, */));
  for (const [, name = '', selector = ''] of asked) {
    expect([...series.keys()]).toContain(name);
    const selected = [...selector.matchAll(/(\w+)[=!]/g)].map(([, label = '']) => label);
    const labels = [...(series.get(name)?.labels ?? []), ...ADDED];
    for (const label of [...selected, ...by]) expect(labels).toContain(label);
  }
});

it.each(queries)('%s compares with values that there are', (_, query) => {
  const values = (label: string) =>
    [...query.matchAll(new RegExp(`\\b${label}=~?"([^"]*)"`, 'g'))].flatMap(([, v = '']) => v.split('|'));
  for (const operation of values('operation')) expect(operations).toContain(operation);
  for (const phase of values('phase')) expect(checkpointPhases).toContain(phase);
  for (const outcome of values('outcome'))
    expect(['succeeded', 'failed', 'cancelled', 'fellBack']).toContain(outcome);
  for (const state of values('state')) expect(['alive', 'silent']).toContain(state);
});

it('counters are asked for by how they grow, histograms by quantile', () => {
  for (const [where, query] of queries)
    for (const [, before = '', name = ''] of query.matchAll(/(\w+)\((dynamo_snapshot_\w+)/g)) {
      const type = series.get(name)?.type;
      if (type !== 'gauge') expect(`${where}: ${before}`).toMatch(/rate|increase/);
    }
});

const exprOf = (alert: string) => rules.find((r) => r.alert === alert)?.expr ?? '';

it('the first failed capture of its kind is told, though its series has not increased since it was born', () => {
  const [, counter = '', window = ''] =
    /increase\((\w+\{[^}]*\})\[(\w+)\]\)/.exec(exprOf('SnapshotCapturesFail')) ?? [];
  expect(exprOf('SnapshotCapturesFail').replace(/\s+/g, ' ')).toContain(
    `or sum by (namespace, reason) ( ${counter} unless ${counter} offset ${window} ) > 0`,
  );
});

it('no operator at all is told as none that leads, of the namespace of the release only', () => {
  expect(exprOf('SnapshotNoLeader')).toContain('or absent(dynamo_snapshot_leading{namespace="dynamo"}) * 0');
});

it('panels have a title and a description, and do not lie on each other', () => {
  expect(new Set(panels.map((p) => p.id)).size).toBe(panels.length);
  for (const p of panels) expect(p.description.length).toBeGreaterThan(10);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
});

it('every alert tells what it means and what to do', () => {
  for (const { annotations } of rules) {
    expect(annotations['summary']).toBeTruthy();
    expect(annotations['description']?.length).toBeGreaterThan(30);
  }
});

it('neither is there by default', () => {
  const kinds = objects();
  expect(kinds.some((o) => o.kind === 'PrometheusRule' || o.metadata.name.endsWith('-dashboard'))).toBe(
    false,
  );
});
