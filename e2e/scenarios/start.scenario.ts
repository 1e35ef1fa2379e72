import { FULL_NAME } from '../chart';
import { World } from '../world';

interface StartedPod {
  readonly metadata: { readonly name: string };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly lastTransitionTime: string }[];
    readonly containerStatuses?: readonly { readonly state?: { readonly running?: { startedAt: string } } }[];
  };
}

/** Other work on the machine may slow one start down, not each of them. */
const ROUNDS = 3;

describe.each([
  ['operator', 'deployment'],
  ['agent', 'daemonset'],
])('the %s', (component, kind) => {
  const world = new World();
  const object = `${kind}/${FULL_NAME}-${component}`;
  const selector = `app.kubernetes.io/component=${component}`;

  it('is ready less than 2 s after its container has started', async () => {
    const own: number[] = [];
    const seen: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await world.kube.run(['rollout', 'restart', object]);
      await world.kube.run(['rollout', 'status', object, '--timeout=120s'], '', 130);
      for (const pod of await world.kube.list<StartedPod>('pods', selector)) {
        own.push(await ownFigure(pod.metadata.name, component));
        seen.push(kubeletsFigure(pod));
      }
    }
    expect(Math.min(...own)).toBeGreaterThan(0);
    expect(Math.min(...own)).toBeLessThan(2);
    // The kubelet's times are whole seconds, and its probe has a period of one.
    expect(Math.min(...seen)).toBeLessThanOrEqual(3);
  });

  /** Seconds from the start of the process until its watches had listed, as it says in its log. */
  async function ownFigure(pod: string, container: string): Promise<number> {
    const log = await world.kube.logs(pod, container);
    const line = log.split('\n').find((text) => text.includes('"afterSeconds"')) ?? '{}';
    return (JSON.parse(line) as { afterSeconds?: number }).afterSeconds ?? Number.NaN;
  }
});

function kubeletsFigure({ status }: StartedPod): number {
  const startedAt = status.containerStatuses?.[0]?.state?.running?.startedAt ?? '';
  const ready = status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? '';
  return (Date.parse(ready) - Date.parse(startedAt)) / 1000;
}
