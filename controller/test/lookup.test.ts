import { Lookup } from '../src/lookup';

const thing = (name: string, ...labels: string[]) => ({ metadata: { namespace: 'ns', name }, labels });
const lookup = () => new Lookup<ReturnType<typeof thing>>(({ labels }) => labels);
const names = (found: readonly ReturnType<typeof thing>[]) => found.map((t) => t.metadata.name);

it('finds an object by each of its terms, in its latest version', () => {
  const all = lookup();
  all.see('ADDED', thing('a', 'x', 'y'));
  all.see('ADDED', thing('b', 'y'));
  expect([names(all.get('x')), names(all.get('y'))]).toEqual([['a'], ['a', 'b']]);
  all.see('MODIFIED', thing('a', 'y', 'z'));
  expect([names(all.get('x')), names(all.get('y')), names(all.get('z'))]).toEqual([[], ['b', 'a'], ['a']]);
});

it('forgets what is gone, by whatever terms it was known', () => {
  const all = lookup();
  all.see('ADDED', thing('a', 'x'));
  all.see('DELETED', thing('a', 'other'));
  expect(all.get('x')).toEqual([]);
});
