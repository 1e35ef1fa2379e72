import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { validate } from '../../src/webhook/validate';
import { checkpoint, job } from '../objects';

const template = (spec: object) => checkpoint({ spec: { job: job({ podTemplateSpec: { spec } }) } });
const selecting = (name: string, matchLabels: Record<string, string>, spec: object = {}) =>
  checkpoint({ metadata: { name }, spec: { ...spec, restore: { podSelector: { matchLabels } } } });

describe('a DynamoCheckpoint', () => {
  it.each<[string, DynamoCheckpoint, readonly DynamoCheckpoint[], string]>([
    ['with a good template', checkpoint({ spec: { job: job() } }), [], ''],
    ['with a template without containers', template({}), [], 'needs at least one container'],
    [
      'with a template whose container has no image',
      template({ containers: [{ name: 'main' }] }),
      [],
      'spec.job.podTemplateSpec.spec.containers[0].image: is required',
    ],
    [
      'that names a container which its template does not have',
      checkpoint({ spec: { job: job({ targetContainerName: 'engine' }) } }),
      [],
      'spec.job.targetContainerName: engine is none of main',
    ],
    [
      'whose template has several containers, none of them main',
      template({
        containers: [
          { name: 'a', image: 'x' },
          { name: 'b', image: 'x' },
        ],
      }),
      [],
      'spec.job.targetContainerName: name one of a, b',
    ],
    [
      'of an engine that cannot be captured yet',
      checkpoint({ spec: { identity: { model: 'm', backendFramework: 'trtllm' } } }),
      [],
      'spec.identity.backendFramework: TensorRT-LLM is not supported yet',
    ],
    ['alone with its selector', selecting('one', { app: 'a' }), [], ''],
    ['that is changed', selecting('one', { app: 'a' }), [selecting('one', { app: 'a' })], ''],
    [
      'that selects the pods of another',
      selecting('one', { app: 'a' }),
      [selecting('two', { app: 'a', tier: 'x' })],
      'selects the same pods as that of DynamoCheckpoint two',
    ],
    ['that selects other pods', selecting('one', { app: 'a' }), [selecting('two', { app: 'b' })], ''],
  ])('%s', (_, it, others, fault) => {
    const { faults } = validate(it, others);
    if (fault === '') expect(faults).toEqual([]);
    else expect(faults.join('; ')).toContain(fault);
  });

  it('is warned of a pod that two may select', () => {
    const { faults, warnings } = validate(selecting('one', { app: 'a' }), [selecting('two', { tier: 'x' })]);
    expect({ faults, warnings }).toEqual({ faults: [], warnings: [expect.stringContaining('two')] });
  });

  it('is no rival of one that is being deleted', () => {
    const leaving = checkpoint({
      metadata: { name: 'two', deletionTimestamp: '2026-01-01T00:00:00Z' },
      spec: { restore: { podSelector: { matchLabels: { app: 'a' } } } },
    });
    expect(validate(selecting('one', { app: 'a' }), [leaving])).toEqual({ faults: [], warnings: [] });
  });

  it('is told that its own sources do not wait', () => {
    const one = selecting('one', { app: 'a' }, { source: { selector: { matchLabels: { app: 'a' } } } });
    const waits = {
      ...one,
      spec: { ...one.spec, restore: { ...one.spec.restore, startupPolicy: 'WaitForCheckpoint' as const } },
    };
    expect(validate(waits, []).warnings).toEqual([expect.stringContaining('do not wait')]);
  });
});
