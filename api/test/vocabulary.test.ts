import { assignmentSpecSchema } from '../src/assignment';
import { assignmentCrd, checkpointCrd } from '../src/crds';
import { withCondition } from '../src/conditions';
import { during, explain, reasonOf, TerminalError } from '../src/errors';
import { artifactPath, stagingPath } from '../src/layout';
import { progressOf } from '../src/progress';
import { humanBytes } from '../src/quantity';
import { Undo } from '../src/undo';
import { checkCheckpointSpec, parseManifest } from '../src/validate';

const uid = '11111111-2222-3333-4444-555555555555';

describe('artifact paths', () => {
  it('are namespace, hash and uid; staging lies beside', () => {
    const ref = { namespace: 'team-a', identityHash: '0d888542e79d9df4', uid };
    expect(artifactPath(ref)).toBe(`team-a/0d888542e79d9df4/${uid}`);
    expect(stagingPath(ref)).toBe(`team-a/0d888542e79d9df4/.staging-${uid}`);
  });

  it.each([
    ['a namespace that climbs', { namespace: '..', identityHash: '0d888542e79d9df4', uid }],
    ['an empty hash', { namespace: 'a', identityHash: '', uid }],
    ['a uid with a slash', { namespace: 'a', identityHash: '0d888542e79d9df4', uid: 'x/y' }],
  ])('refuse %s', (_, ref) => {
    expect(() => artifactPath(ref)).toThrow(TerminalError);
  });
});

describe('errors', () => {
  it('say what was being done and stay terminal', async () => {
    const failed = during('read manifest', () => {
      throw new TerminalError('Broken', 'it is torn');
    });
    await expect(failed).rejects.toMatchObject({ message: 'read manifest: it is torn', reason: 'Broken' });
  });

  it('name a reason where there is one', () => {
    expect(reasonOf(new Error('x'), 'Fallback')).toBe('Fallback');
    expect(explain(new AggregateError([new Error('a'), 'b'], 'both'))).toBe('both; a; b');
  });
});

describe('Undo', () => {
  it('takes the last thing back first and goes on after a failure', async () => {
    const done: string[] = [];
    const undo = new Undo();
    undo.push('first', () => void done.push('first'));
    undo.push('second', () => {
      throw new Error('stuck');
    });
    undo.push('third', () => void done.push('third'));
    await expect(undo.rollback()).rejects.toThrow('not everything');
    expect(done).toEqual(['third', 'first']);
  });
});

describe('conditions', () => {
  it('keep their transition time until the status moves', () => {
    const next = { type: 'Ready', status: 'False', reason: 'A', message: 'a' } as const;
    const one = withCondition([], next, 0);
    const two = withCondition(one, { ...next, reason: 'B' }, 60_000);
    const three = withCondition(two, { ...next, status: 'True' }, 60_000);
    expect(two[0]?.lastTransitionTime).toBe('1970-01-01T00:00:00Z');
    expect(three[0]?.lastTransitionTime).toBe('1970-01-01T00:01:00Z');
    expect(withCondition(three, { ...next, status: 'True' }, 90_000)).toBe(three);
  });
});

describe('progress', () => {
  it('has percent, rate and remaining time', () => {
    expect(progressOf({ step: 'dump', bytesDone: 50, bytesTotal: 100, elapsed: 2 })).toEqual({
      step: 'dump',
      summary: 'dump 50%',
      bytesDone: 50,
      bytesTotal: 100,
      bytesPerSecond: 25,
      etaSeconds: 2,
    });
    expect(progressOf({ step: 'verify' })).toEqual({ step: 'verify', summary: 'verify' });
  });

  it('prints sizes for people', () => {
    expect([0, 1536, 650 * 2 ** 20, 3 * 2 ** 40].map(humanBytes)).toEqual(['0B', '1.5Ki', '650Mi', '3Ti']);
  });
});

describe('validators', () => {
  it('name every field at fault', () => {
    const bad = { identity: { model: '', backendFramework: 'tgi' } };
    expect(() => checkCheckpointSpec(bad)).toThrow(/\/identity\/model.*\/identity\/backendFramework/s);
  });

  it('say that a torn manifest is no JSON', () => {
    expect(() => parseManifest('{"version":')).toThrow('manifest.json is not JSON');
  });
});

describe('CRDs', () => {
  it('print the columns that people look for', () => {
    const names = (crd: typeof checkpointCrd) =>
      crd.spec.versions[0]?.additionalPrinterColumns.filter((c) => !c.priority).map((c) => c.name);
    expect(names(checkpointCrd)).toEqual(['Model', 'Backend', 'Phase', 'Progress', 'Size', 'Hash', 'Age']);
    expect(names(assignmentCrd)).toEqual(['Operation', 'Pod', 'Node', 'Phase', 'Progress', 'Age']);
  });

  it('let nothing of an assignment change but its cancellation', () => {
    const { spec } = assignmentCrd.spec.versions[0]?.schema.openAPIV3Schema.properties as { spec: object };
    const rules = (spec as { 'x-kubernetes-validations': readonly { rule: string }[] })[
      'x-kubernetes-validations'
    ];
    const [settled = ''] = rules.map(({ rule }) => rule);
    const free = Object.keys(assignmentSpecSchema.properties).filter(
      (field) => !settled.includes(`self.${field} == oldSelf.${field}`),
    );
    expect(free).toEqual(['cancelled']);
  });

  it('bound the labels of every selector', () => {
    const text = JSON.stringify(checkpointCrd);
    expect(text.match(/"matchLabels":{"type"/g)).toHaveLength(2);
    expect(
      text.match(/"maxProperties":16,"additionalProperties":{"type":"string","maxLength":63}/g),
    ).toHaveLength(2);
  });

  it('are structural: no additionalProperties: false beside properties', () => {
    expect(JSON.stringify([checkpointCrd, assignmentCrd])).not.toContain('"additionalProperties":false');
  });
});
