import type { AgentState } from '../src/assignment/agents';
import { decide } from '../src/assignment/decide';
import { assignment, NOW } from './objects';

const at = (secondsAgo: number) => new Date(NOW - secondsAgo * 1000).toISOString();

describe('an assignment', () => {
  type Status = Parameters<typeof assignment>[1];
  const decided = (status: Status, agent: AgentState, silence: number, more: object = {}, made = 10) =>
    decide(
      {
        assignment: assignment(
          'a',
          status,
          { deadlineSeconds: 600, ...more },
          { creationTimestamp: at(made) },
        ),
        agent,
        silenceMs: silence * 1000,
        lostAfterMs: 120_000,
      },
      NOW,
    );
  const running = (heartbeat: number, started = heartbeat) => ({
    phase: 'Running' as const,
    startedAt: at(started),
    heartbeatTime: at(heartbeat),
  });
  const cancelled = { cancelled: true };

  it.each<[string, ReturnType<typeof decide>, object]>([
    ['that has ended is left alone', decided({ phase: 'Failed' }, 'absent', Infinity), { do: 'nothing' }],
    ['that runs is left to its agent', decided(running(5), 'alive', 1), { do: 'nothing' }],
    [
      'waits with its pod, however long, for a container that has not started',
      decided({ phase: 'Pending' }, 'alive', 1, { operation: 'Restore', container: { name: 'main' } }, 5000),
      { do: 'nothing' },
    ],
    [
      'is ended where it was withdrawn from such a pod and no agent is there',
      decided(
        undefined,
        'absent',
        Infinity,
        { operation: 'Restore', container: { name: 'main' }, cancelled: true },
        5000,
      ),
      { do: 'end', phase: 'Cancelled' },
    ],
    [
      'outlives the restart of its agent',
      decided(running(60), 'absent', Infinity),
      { do: 'nothing', requeueAfterMs: 60_001 },
    ],
    [
      'outlives an agent that is not Ready for seconds, however long it has not said how far it is',
      decided(running(300), 'silent', 5),
      { do: 'nothing', requeueAfterMs: 115_001 },
    ],
    [
      'outlives a kubelet that is away, while its agent says how far it is',
      decided(running(5, 300), 'silent', 3600),
      { do: 'nothing', requeueAfterMs: 115_001 },
    ],
    [
      'outlives silence that is not long yet',
      decided(running(300), 'silent', 90),
      { do: 'nothing', requeueAfterMs: 30_001 },
    ],
    [
      'ends when its node is lost',
      decided(running(130), 'silent', 125),
      { do: 'end', phase: 'Failed', reason: 'NodeLost' },
    ],
    [
      'ends when its node is gone',
      decided(running(130), 'absent', Infinity),
      { do: 'end', reason: 'NodeLost' },
    ],
    [
      'ends long after its deadline though its agent lives',
      decided(running(5, 661), 'alive', 1),
      { do: 'end', reason: 'DeadlineExceeded' },
    ],
    [
      'may be taken until its deadline',
      decided(undefined, 'absent', Infinity),
      { do: 'nothing', requeueAfterMs: 590_000 },
    ],
    [
      'that no agent took ends at its deadline',
      decided(undefined, 'absent', Infinity, {}, 600),
      { do: 'end', reason: 'AgentMissing' },
    ],
    [
      'that a living agent did not take ends at its deadline',
      decided(undefined, 'alive', 1, {}, 600),
      { do: 'end', reason: 'DeadlineExceeded' },
    ],
    [
      'that is cancelled where no agent is ends at once',
      decided(undefined, 'absent', Infinity, cancelled),
      { do: 'end', phase: 'Cancelled' },
    ],
    [
      'that is cancelled may have been taken by an agent that fell silent',
      decided(undefined, 'silent', 60, cancelled),
      { do: 'nothing', requeueAfterMs: 60_000 },
    ],
    [
      'that is cancelled is ended by a living agent',
      decided(undefined, 'alive', 1, cancelled),
      { do: 'nothing' },
    ],
  ])('%s', (_, plan, wanted) => expect(plan).toMatchObject(wanted));
});
