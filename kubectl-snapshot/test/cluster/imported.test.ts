import type { CheckpointStatus, DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { Cluster } from '../../src/cluster/cluster';
import { markReady } from '../../src/cluster/imported';
import { checkpoint, readyStatus } from '../objects';
import { Stage } from '../stage';

describe('an import that the operator', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = new Stage();
    await stage.open();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await stage.close();
  });

  const mark = (status?: CheckpointStatus) => {
    stage.make('dynamocheckpoints', checkpoint('copy', status));
    const [made] = stage.server.store.list('apis/nvidia.com/v1alpha1/dynamocheckpoints');
    return markReady(new Cluster(stage.server.config), made as unknown as DynamoCheckpoint, readyStatus);
  };
  const said = (reason: string) => [
    { type: 'Ready', status: 'False' as const, reason, message: '', lastTransitionTime: '' },
  ];

  it('refuses ends at once with its words', async () => {
    const message = 'checkpoint identity hash 0123 is already owned by qwen3';
    const conditions = said('DuplicateIdentity');
    await expect(mark({ phase: 'Failed', message, conditions })).rejects.toThrow(
      `the operator does not take checkpoint copy, which is Failed: DuplicateIdentity: ${message}`,
    );
  });

  it('has looked at without an answer ends with what it said', async () => {
    jest.spyOn(AbortSignal, 'timeout').mockReturnValue(delay(500));
    await expect(
      mark({ phase: 'Pending', message: 'no job yet', conditions: said('WaitingForSource') }),
    ).rejects.toThrow(
      'the operator does not take checkpoint copy, which is Pending: WaitingForSource: no job yet',
    );
  });

  it('has not looked at is told as such', async () => {
    jest.spyOn(AbortSignal, 'timeout').mockReturnValue(delay(500));
    await expect(mark()).rejects.toThrow('the operator has not looked at checkpoint copy');
  });
});

function delay(ms: number): AbortSignal {
  const end = new AbortController();
  setTimeout(() => end.abort(), ms);
  return end.signal;
}
