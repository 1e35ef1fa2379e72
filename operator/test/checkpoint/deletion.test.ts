import { agents, assignment, checkpoint, UID } from '../objects';
import type { Status } from './world';
import { CAPTURE, DELETE, RETAIN, succeeded, leaving, begun, ready, old, table } from './world';

describe('a checkpoint that is deleted', () => {
  const gone = (status: Status = {}, spec = {}) => begun(checkpoint({ metadata: leaving, spec }), status);
  const kept = gone(ready({ source: { nodeName: 'node-b' } }));
  const retained = gone(ready(), { retention: { deletionPolicy: 'Retain' } });
  const deletion = (status: Parameters<typeof assignment>[1], nodeName = 'node-b', metadata = {}) => ({
    assignments: [assignment(DELETE, status, { operation: 'Delete', nodeName }, metadata)],
  });
  table([
    ['goes at once when nothing was captured', gone(), {}, { do: 'release' }],
    [
      'marks an artifact that is to stay',
      retained,
      {},
      { do: 'dispose', operation: 'Retain', artifact: UID, nodeName: 'node-a' },
    ],
    [
      'goes when that is done',
      retained,
      { assignments: [assignment(RETAIN, { phase: 'Succeeded' }, { operation: 'Retain' })] },
      { do: 'release' },
    ],
    [
      'cancels its capture',
      gone(),
      { assignments: [assignment(CAPTURE, { phase: 'Running' })] },
      { do: 'cancelCapture' },
    ],
    [
      'waits for the cancelled capture to end',
      gone(),
      { assignments: [assignment(CAPTURE, { phase: 'Running' }, { cancelled: true })] },
      { do: 'nothing' },
    ],
    ['has its artifact deleted', kept, {}, { do: 'dispose', operation: 'Delete', nodeName: 'node-b' }],
    [
      'has it deleted by another node where its own is gone',
      kept,
      { agents: agents(['node-a'], ['node-b']) },
      { do: 'dispose', operation: 'Delete', nodeName: 'node-a' },
    ],
    [
      'says that no node can delete it',
      kept,
      { agents: agents([]) },
      { do: 'tell', reason: 'AgentMissing', message: expect.stringMatching(/finalizer/) },
    ],
    [
      'waits for those who restore from it',
      kept,
      { assignments: [assignment('r', { phase: 'Running' }, { operation: 'Restore' })] },
      { do: 'nothing' },
    ],
    [
      'has the artifact of a capture deleted that it has not seen end',
      gone(),
      { assignments: [assignment(CAPTURE, succeeded)] },
      { do: 'dispose', nodeName: 'node-a' },
    ],
    [
      'has the artifact deleted that a lost node may have published',
      gone({ phase: 'Failed' }),
      { assignments: [assignment(CAPTURE, { phase: 'Failed', reason: 'NodeLost' })] },
      { do: 'dispose', artifact: UID },
    ],
    ['waits for that', kept, deletion({ phase: 'Running' }), { do: 'nothing', requeueAfterMs: 15_000 }],
    ['goes when that is done', kept, deletion({ phase: 'Succeeded' }), { do: 'release' }],
    [
      'gives the deletion to another node when its node is lost',
      kept,
      { ...deletion(undefined, 'node-b', old), agents: agents(['node-a']) },
      { do: 'withdraw' },
    ],
    [
      'leaves a deletion that runs to its node, whose agent may only be starting again',
      kept,
      { ...deletion({ phase: 'Running' }, 'node-b', old), agents: agents(['node-a'], ['node-b']) },
      { do: 'nothing', requeueAfterMs: 15_000 },
    ],
    [
      'tells that it failed',
      kept,
      deletion({ phase: 'Failed', message: 'read-only', finishedAt: '2026-01-01T00:09:50Z' }),
      { do: 'tell', reason: 'ArtifactDeleteFailed', message: 'read-only', requeueAfterMs: 20_000 },
    ],
    [
      'tries again',
      kept,
      deletion({ phase: 'Failed', finishedAt: '2026-01-01T00:09:00Z' }),
      { do: 'withdraw' },
    ],
  ]);
});
