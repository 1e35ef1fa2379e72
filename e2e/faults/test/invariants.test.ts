import { areOfCriu, isStuck, isWorker } from '../invariants';
import { endedBefore, Missed } from '../held';
import type { LeaseObject } from '../leases';
import { leaseFaults } from '../leases';

describe('leases', () => {
  const now = Date.parse('2026-01-01T00:01:00Z');
  const around = { pods: ['operator-1'], now };
  const of = (
    name: string,
    holderIdentity: string,
    renewTime = '2026-01-01T00:00:30.000000Z',
  ): LeaseObject => ({
    metadata: { name },
    spec: { holderIdentity, renewTime, leaseDurationSeconds: 40 },
  });

  it('are right that a living pod renews; that of the sweep is nobody’s', () => {
    const leases = [of('snapshot-operator', 'operator-1_uid'), of('snapshot-sweep', '')];
    expect(leaseFaults(leases, around)).toEqual([]);
  });

  it.each<[string, LeaseObject, string]>([
    [
      'of an operator that is gone',
      of('snapshot-operator', 'operator-0_u'),
      'lease snapshot-operator of operator-0, who is gone',
    ],
    ['of nobody', of('snapshot-operator', ''), 'lease snapshot-operator of nobody, who is gone'],
    [
      'that is not renewed',
      of('snapshot-operator', 'operator-1', '2026-01-01T00:00:00.000000Z'),
      'lease snapshot-operator, which operator-1 has not renewed for 60 s',
    ],
    [
      'that was never renewed',
      { metadata: { name: 'snapshot-operator' }, spec: { holderIdentity: 'operator-1' } },
      'lease snapshot-operator, which operator-1 has not renewed for NaN s',
    ],
    [
      'of an agent',
      of('snapshot-agent.node-a', 'operator-1'),
      'lease snapshot-agent.node-a, which nobody knows',
    ],
  ])('are told: one %s', (_, lease, said) => expect(leaseFaults([lease], around)).toEqual([said]));
});

describe('a process of a source', () => {
  it.each([
    ['Name:\tpython3\nState:\tS (sleeping)\nTracerPid:\t0\n', false],
    ['Name:\tpython3\nState:\tT (stopped)\nTracerPid:\t0\n', true],
    ['Name:\tpython3\nState:\tt (tracing stop)\nTracerPid:\t0\n', true],
    ['Name:\tpython3\nState:\tS (sleeping)\nTracerPid:\t4711\n', true],
    ['', false],
  ])('%j: stuck %s', (status, stuck) => expect(isStuck(status)).toBe(stuck));

  it.each([
    ['/usr/bin/python3 -u /app/server.py', true],
    ['/usr/bin/python3 -u -c import sys', false],
    ['/snapshot/standby -- /usr/bin/python3 -u /app/server.py', false],
  ])('%s: the worker %s', (line, worker) => expect(isWorker(line)).toBe(worker));
});

it.each([
  ['*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n', false],
  ['*filter\n:CRIU - [0:0]\n-A INPUT -j CRIU\nCOMMIT\n', true],
  ['*filter\n-A OUTPUT -p tcp -m mark ! --mark 0xc114 -j DROP\nCOMMIT\n', true],
])('rules %j: of CRIU %s', (rules, criu) => expect(areOfCriu(rules)).toBe(criu));

describe('an operation that has ended before its step', () => {
  it('was missed where it was done', () => {
    expect(endedBefore('Capture ended', { ok: true })).toBeInstanceOf(Missed);
    // It was we who made it late.
    const late = { ok: false, reason: 'DeadlineExceeded' };
    expect(endedBefore('Restore ended', late, true)).toBeInstanceOf(Missed);
    expect(endedBefore('Restore ended', late)).not.toBeInstanceOf(Missed);
  });
  it('has failed where it has, and its reason is told', () => {
    const error = endedBefore('Capture ended', { ok: false, reason: 'DumpFailed' } as { ok: boolean });
    expect(error).not.toBeInstanceOf(Missed);
    expect(error.message).toMatch(/Capture ended: .*DumpFailed/);
  });
});
