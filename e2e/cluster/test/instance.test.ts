import { checkName, chooseIndex, memberAddress, overlaps, podSubnet } from '../instance';

const nothing = { indexes: [], links: [], routes: [] };

describe('the index of a cluster', () => {
  it.each([
    ['nothing is taken', nothing, 0],
    ['another cluster has 0', { ...nothing, indexes: [0] }, 1],
    ['a bridge of the name is there', { ...nothing, links: ['lo', 'ds0'] }, 1],
    ['a link has a longer name', { ...nothing, links: ['ds01'] }, 0],
    ['there is a default route', { ...nothing, routes: ['default', '0.0.0.0/0', '192.0.2.0/24'] }, 0],
    ['a route goes into the member subnet', { ...nothing, routes: ['10.210.0.7'] }, 1],
    ['a route goes into the second pod subnet', { ...nothing, routes: ['10.211.1.0/25'] }, 1],
    ['a route covers the subnets of 0 and 1', { ...nothing, routes: ['10.211.0.0/22'] }, 2],
    ['routes are IPv6', { ...nothing, routes: ['fe80::/64', '::1'] }, 0],
  ])('when %s it is the lowest free one', (_, taken, index) => {
    expect(chooseIndex('dev', taken)).toBe(index);
  });

  it('is refused when everything is taken', () => {
    expect(() => chooseIndex('dev', { ...nothing, routes: ['10.0.0.0/8'] })).toThrow('no free subnet');
  });
});

it('gives two clusters no address in common', () => {
  const of = (index: number): readonly string[] => {
    const instance = { name: 'x', index };
    return [memberAddress(instance, 'cp'), podSubnet(instance, 'node-a'), podSubnet(instance, 'node-b')];
  };
  expect(of(3)).toEqual(['10.210.3.2', '10.211.6.0/24', '10.211.7.0/24']);
  expect(of(4)).toEqual(['10.210.4.2', '10.211.8.0/24', '10.211.9.0/24']);
});

it.each([
  ['10.0.0.0/8', '10.210.0.0/24', true],
  ['10.210.0.0/24', '10.0.0.0/8', true],
  ['10.210.1.0/24', '10.210.0.0/24', false],
  ['10.210.0.255', '10.210.0.0/24', true],
  ['200.0.0.1', '200.0.0.0/31', true],
])('%s and %s overlap: %s', (a, b, answer) => {
  expect(overlaps(a, b)).toBe(answer);
});

it.each(['', '/', '..', 'a/b', 'A', '1a', 'a_b', 'a'.repeat(21), '-a'])('refuses the name "%s"', (name) => {
  expect(() => checkName(name)).toThrow('no cluster name');
});
