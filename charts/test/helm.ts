/** helm as a person runs it, without a cluster. */
import { execFileSync, spawnSync } from 'node:child_process';
import { parseAllDocuments } from 'yaml';

export const CHART = 'charts/dynamo-snapshot';

export type Values = Readonly<Record<string, unknown>>;

export interface Rendered {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  // What a test looks into is the test's matter.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly [field: string]: any;
}

const helm = (): string => process.env['HELM'] ?? 'helm';
const release = ['template', 'snapshot', CHART, '--kube-version', '1.34.4', '--values', '-'];
const command = (more: readonly string[]) => [...release, '--namespace', 'dynamo', ...more];

/** The text that `helm template` prints. */
export const template = (values: Values = {}, more: readonly string[] = []): string =>
  execFileSync(helm(), command(more), { input: JSON.stringify(values), encoding: 'utf8' });

export const objects = (values: Values = {}, more: readonly string[] = []): readonly Rendered[] =>
  parseAllDocuments(template(values, more)).flatMap((document) => (document.toJS() as Rendered | null) ?? []);

/** The only object of that kind (and name's end). */
export function only(all: readonly Rendered[], kind: string, end = ''): Rendered {
  const [first, ...rest] = all.filter((o) => o.kind === kind && o.metadata.name.endsWith(end));
  if (first === undefined || rest.length > 0)
    throw new Error(`${rest.length + (first ? 1 : 0)} ${kind} *${end}`);
  return first;
}

/** What helm says when it refuses the values. */
export function refusal(values: Values): string {
  const { status, stderr } = spawnSync(helm(), command([]), {
    input: JSON.stringify(values),
    encoding: 'utf8',
  });
  return status === 0 ? '' : stderr;
}

export const lint = (values: Values = {}): { readonly code: number | null; readonly said: string } => {
  const { status, stdout, stderr } = spawnSync(helm(), ['lint', '--strict', CHART, '--values', '-'], {
    input: JSON.stringify(values),
    encoding: 'utf8',
  });
  return { code: status, said: stdout + stderr };
};
