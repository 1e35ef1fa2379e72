/** docs/reference/metrics.md: every metric, from the table of which the instruments are made. */
import { metricTable } from '@dynamo-snapshot/controller/metrics';
import { code, table } from './markdown';

interface Metric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly by: string;
}

const said = { operator: 'operator', agent: 'agents', both: 'operator and agents' } as const;

export const metricsPage = (): string =>
  [
    '# Metrics\n',
    'Every pod of the chart serves them in the text format of Prometheus on the port `health` under `/metrics`, beside the default metrics of',
    'Node (`process_*`, `nodejs_*`). `metrics.podMonitor.create=true` makes the Prometheus operator collect them.\n',
    table(
      ['Metric', 'Type', 'Labels', 'Of', 'Meaning'],
      Object.values<Metric>(metricTable).map(({ name, type, help, labels, by }) => [
        code(name),
        type,
        labels.map(code).join(', '),
        said[by as keyof typeof said],
        help,
      ]),
    ),
  ].join('\n');
