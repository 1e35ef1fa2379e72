import { callOf, isExpected, sentenceOf } from '../../src/quiesce/plan';
import type { HttpCall } from '../../src/quiesce/plan';
import { catches } from '../../src/runtime/signals';

it.each([
  [
    { http: { port: 80 } },
    { kind: 'http', method: 'POST', path: '/', port: 80, timeoutMs: 30_000 },
    'POST :80/',
  ],
  [
    { http: { port: 80, method: 'GET' as const, path: '/a?b', expectedStatus: 204, timeoutSeconds: 5 } },
    { kind: 'http', method: 'GET', path: '/a?b', port: 80, expectedStatus: 204, timeoutMs: 5000 },
    'GET :80/a?b',
  ],
  [
    { exec: { command: ['sh', '-c', 'true'] } },
    { kind: 'exec', command: ['sh', '-c', 'true'], timeoutMs: 30_000 },
    'sh -c true',
  ],
])('%j is a call with its defaults', (hook, call, sentence) => {
  expect(callOf(hook)).toEqual(call);
  expect(sentenceOf(callOf(hook))).toBe(sentence);
});

it('refuses a hook that is nothing', () => {
  expect(() => callOf({})).toThrow(expect.objectContaining({ reason: 'InvalidSpec' }));
});

it.each([
  [undefined, 200, true],
  [undefined, 299, true],
  [undefined, 302, false],
  [404, 404, true],
  [404, 200, false],
])('expected %s, answered %d: %s', (expectedStatus, status, wanted) => {
  const call: HttpCall = {
    ...(callOf({ http: { port: 1 } }) as HttpCall),
    ...(expectedStatus ? { expectedStatus } : {}),
  };
  expect(isExpected(call, status)).toBe(wanted);
});

describe('a worker speaks by signals where it catches both', () => {
  it.each([
    ['SigCgt:\t0000000000020200', true],
    ['SigCgt:\t0000000000000200', false],
    ['SigCgt:\t0000000000020000', false],
    ['SigCgt:\t0000000180014a02', false],
    ['Name:\tpython', false],
  ])('%s: %s', (status, wanted) => expect(catches(status, [10, 18])).toBe(wanted));
});
