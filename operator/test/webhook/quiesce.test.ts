import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { validate } from '../../src/webhook/validate';
import { checkpoint } from '../objects';

type Spec = DynamoCheckpoint['spec'];
type Quiesce = NonNullable<Spec['quiesce']>;
const http = (more: object = {}) => ({ http: { port: 8000, ...more } });
const exec = (...command: string[]) => ({ exec: { command } });
const verdict = (quiesce: Quiesce, more: Partial<Spec> = {}) =>
  validate(checkpoint({ spec: { quiesce, ...more } }), []);

describe('spec.quiesce', () => {
  it.each<[string, Quiesce, Partial<Spec>, readonly string[]]>([
    [
      'with hooks that fit their time',
      {
        beforeCapture: [http({ path: '/sleep?level=1' }), exec('sync')],
        afterRestore: [http({ path: '/wake_up' })],
      },
      {},
      [],
    ],
    [
      'whose command is blank',
      { beforeCapture: [exec('sync'), exec(' ', '-x')], afterRestore: [http()] },
      {},
      ['spec.quiesce.beforeCapture[1].exec.command[0]: names no program'],
    ],
    [
      'whose paths cannot be asked for',
      { afterRestore: [http({ path: '/wake up' }), http({ path: '/a#b' }), http({ path: '/ä' })] },
      {},
      ['"/wake up"', '"/a#b"', '"/ä"'].map(
        (path) => expect.stringContaining(`${path} has a character`) as string,
      ),
    ],
    [
      'whose hooks may take longer than the capture',
      { beforeCapture: [http(), http({ timeoutSeconds: 40 })], afterRestore: [http()] },
      { capture: { timeoutSeconds: 60 } },
      [
        'spec.quiesce.beforeCapture: its hooks may take 70 s in all, but spec.capture.timeoutSeconds is 60: shorten their timeoutSeconds or raise it',
      ],
    ],
    [
      'whose hooks may take as long as a restore by default',
      { afterRestore: [http({ timeoutSeconds: 300 })] },
      {},
      [
        expect.stringContaining(
          'spec.quiesce.afterRestore: its hooks may take 300 s in all, but spec.restore.timeoutSeconds is 300',
        ) as string,
      ],
    ],
  ])('%s', (_, quiesce, more, faults) => {
    expect(verdict(quiesce, more).faults).toEqual(faults);
  });

  it.each<[string, Quiesce, string | undefined]>([
    ['that wakes up what it brought to rest', { beforeCapture: [http()], afterRestore: [http()] }, undefined],
    ['that only wakes up', { afterRestore: [http()] }, undefined],
    ['that wakes up nobody', { beforeCapture: [http()] }, 'a worker that it brings to rest'],
    [
      'that wakes up the source alone',
      { beforeCapture: [http()], afterCapture: [http()] },
      'a restored worker',
    ],
  ])('%s', (_, quiesce, who) => {
    const { faults, warnings } = verdict(quiesce);
    expect(faults).toEqual([]);
    expect(warnings).toEqual(
      who === undefined ? [] : [expect.stringContaining(`${who} is woken up by no hook`)],
    );
  });
});
