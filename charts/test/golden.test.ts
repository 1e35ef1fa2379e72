import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lint, template } from './helm';
import { sets } from './sets';

const golden = (name: string): string => join(__dirname, 'golden', `${name}.yaml`);

describe.each(Object.entries(sets))('the values "%s"', (name, values) => {
  it('pass helm lint --strict', () => {
    expect(lint(values)).toMatchObject({ code: 0 });
  });

  it('make what is kept in the golden file (npm run golden writes it)', () => {
    const made = template(values);
    if (process.env['GOLDEN'] === 'write') writeFileSync(golden(name), made);
    expect(made).toBe(readFileSync(golden(name), 'utf8'));
  });
});
