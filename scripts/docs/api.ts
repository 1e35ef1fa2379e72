/** docs/reference/api.md: every field of our objects, as the CRDs have them. */
import { assignmentCrd, checkpointCrd } from '@dynamo-snapshot/api/crds';
import { code, complete, table } from './markdown';

/** What is read of a JSON schema. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly pattern?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly 'x-kubernetes-validations'?: readonly { readonly message: string }[];
}

interface Field {
  readonly path: string;
  readonly required: boolean;
  readonly schema: Schema;
}

function fieldsOf(schema: Schema, path: string): readonly Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const own = `${path}.${name}`;
    const inner = child.items ?? child;
    const below = fieldsOf(inner, child.items === undefined ? own : `${own}[]`);
    return [{ path: own, required: schema.required?.includes(name) ?? false, schema: child }, ...below];
  });
}

function typeOf({ type, items, additionalProperties }: Schema): string {
  if (type === 'array') return `list of ${items === undefined ? 'anything' : typeOf(items)}`;
  if (type === 'object' && typeof additionalProperties === 'object')
    return `map of ${typeOf(additionalProperties)}`;
  return type ?? 'anything';
}

/** What else the API server refuses: the words of the schema after the sentence. */
const limits = ({ enum: values, minimum, default: preset }: Schema): string =>
  [
    values === undefined ? '' : `One of ${values.map((v) => code(String(v))).join(', ')}.`,
    minimum === undefined || minimum === 0 ? '' : `At least ${minimum}.`,
    preset === undefined ? '' : `Default ${code(JSON.stringify(preset))}.`,
  ]
    .filter(Boolean)
    .join(' ');

/** A sentence ends with a full stop, whether its author wrote one or not. */
const sentence = (text: string): string => (text === '' || /[.!?:)]$/.test(text) ? text : `${text}.`);

function section(crd: typeof checkpointCrd): string {
  const { names, versions, group } = crd.spec;
  const [version] = versions;
  const root = version?.schema.openAPIV3Schema.properties as Readonly<Record<string, Schema>> | undefined;
  const parts = (['spec', 'status'] as const).map((part) => {
    const schema = root?.[part] ?? {};
    const fields = fieldsOf(schema, part);
    complete(
      fields.filter(({ schema: { description } }) => !description).map(({ path }) => `${names.kind} ${path}`),
      'description',
    );
    const rules = (schema['x-kubernetes-validations'] ?? []).map(({ message }) => `- ${message}`);
    return [
      `### ${part}\n`,
      ...(rules.length > 0 ? [`${rules.join('\n')}\n`] : []),
      table(
        ['Field', 'Type', 'Meaning'],
        fields.map(({ path, required, schema: field }) => [
          code(path) + (required ? ' (required)' : ''),
          typeOf(field),
          `${sentence(field.description ?? '')} ${limits(field)}`,
        ]),
      ),
    ].join('\n');
  });
  const short = names.shortNames.map(code).join(', ');
  return [
    `## ${names.kind}\n`,
    `${code(`${group}/${version?.name}`)}; short names ${short}.\n`,
    ...parts,
  ].join('\n');
}

export const apiPage = (): string =>
  ['# API\n', section(checkpointCrd), section(assignmentCrd as typeof checkpointCrd)].join('\n');
