import { table } from '../docs/markdown';
import { reasonsPage, usedReasons } from '../docs/reasons';
import { valuesPage } from '../docs/values';

const schema = JSON.stringify({
  properties: {
    image: { properties: { tag: { type: 'string' }, policy: { $ref: '#/$defs/policy' } } },
    resources: { type: 'object' },
  },
  $defs: { policy: { enum: ['Always', 'Never'] } },
});

describe('a table', () => {
  it('keeps a row on its line and its borders', () => {
    expect(table(['a'], [['x | y\n z <uid> `<hex>`']])).toBe(
      '| a |\n| --- |\n| x \\| y z &lt;uid> `<hex>` |\n',
    );
  });
});

describe('the page of values', () => {
  it('has path, type, default and comment of each value, and takes a written-out type of Kubernetes for one', () => {
    const page = valuesPage(
      'image:\n  # Its tag.\n  tag: x\n  # When it\n  # is pulled.\n  policy: Never\n# Asked for.\nresources:\n  limits: { cpu: 1 }\n',
      schema,
    );
    expect(page).toContain('| `image.tag` | string | `x` | Its tag. |');
    expect(page).toContain('| `image.policy` | `Always`, `Never` | `Never` | When it is pulled. |');
    expect(page).toContain('| `resources` | object | `{limits: {cpu: 1}}` | Asked for. |');
  });

  it('is not made while a value has no comment', () => {
    expect(() => valuesPage('# Said.\na: 1\nimage:\n  tag: x\n  policy: y\n', schema)).toThrow(
      'no comment for image.tag, image.policy',
    );
  });
});

describe('the page of reasons', () => {
  it('finds the reasons in our sources, on a line of their own too', () => {
    const source = `throw new TerminalError('One', 'x'); throw new TerminalError(\n  'Two',\n 'y'); return { reason: 'Three' };`;
    expect(usedReasons([source, source])).toEqual(['One', 'Two', 'Three']);
  });

  it('is not made while one has no meaning', () => {
    expect(() => reasonsPage([`new TerminalError('NobodyKnows', '')`])).toThrow('NobodyKnows');
  });
});
