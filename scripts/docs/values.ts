/** docs/reference/values.md: the comments and defaults of the chart's values.yaml, with the types of its schema. */
import type { Pair, YAMLMap } from 'yaml';
import { isMap, isScalar, parseDocument, stringify } from 'yaml';
import { code, complete, table } from './markdown';

interface Schema {
  readonly type?: string | readonly string[];
  readonly $ref?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

interface Value {
  readonly path: string;
  readonly comment: string;
  readonly preset: string;
}

/** Comment lines without their marks, as one text. */
const textOf = (comment: string | null | undefined): string =>
  (comment ?? '')
    .split('\n')
    .map((line) => line.trim())
    .join(' ')
    .trim();

/** A map is a group of values; one that is written in a line, or is empty, is a value. Those of Kubernetes' own types are values too. */
const isGroup = (value: unknown, name: string): value is YAMLMap =>
  isMap(value) && !value.flow && value.items.length > 0 && name !== 'resources';

function valuesOf(map: YAMLMap, path: string, head: string): readonly Value[] {
  return (map.items as Pair[]).flatMap(({ key, value }, i) => {
    const name = String(isScalar(key) ? key.value : key);
    const own = path === '' ? name : `${path}.${name}`;
    const comment = textOf(isScalar(key) ? key.commentBefore : '') || (i === 0 ? head : '');
    // The comment before the first key of a map belongs to that key, and the parser gives it to the map.
    if (isGroup(value, name)) return valuesOf(value, own, textOf(value.commentBefore));
    const preset = stringify(value, {
      flowCollectionPadding: false,
      collectionStyle: 'flow',
      lineWidth: 0,
    }).trim();
    return [{ path: own, comment, preset }];
  });
}

function typeOf(schema: Schema, path: string): string {
  const resolve = (part: Schema | undefined): Schema =>
    part?.$ref === undefined ? (part ?? {}) : (schema.$defs?.[part.$ref.replace('#/$defs/', '')] ?? {});
  const found = path.split('.').reduce<Schema>((at, name) => resolve(at.properties?.[name]), schema);
  return found.enum?.map(code).join(', ') ?? String(found.type ?? '');
}

export function valuesPage(yaml: string, json: string): string {
  const document = parseDocument(yaml);
  if (!isMap(document.contents)) throw new Error('values.yaml is no map');
  const schema = JSON.parse(json) as Schema;
  const values = valuesOf(
    document.contents,
    '',
    textOf(document.commentBefore ?? document.contents.commentBefore),
  );
  complete(
    values.filter(({ comment }) => comment === '').map(({ path }) => path),
    'comment',
  );
  return [
    '# Values of the chart\n',
    'A value that is not here, or not of its type, is refused by helm with its name.\n',
    table(
      ['Value', 'Type', 'Default', 'Meaning'],
      values.map(({ path, comment, preset }) => [code(path), typeOf(schema, path), code(preset), comment]),
    ),
  ].join('\n');
}
