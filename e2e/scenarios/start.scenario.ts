import { cpus, loadavg } from 'node:os';
import { FULL_NAME } from '../chart';
import { World } from '../world';

interface StartedPod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly lastTransitionTime: string }[];
    readonly containerStatuses?: readonly { readonly state?: { readonly running?: { startedAt: string } } }[];
  };
}

/** Other work on the machine may slow one start down, not each of them. */
const ROUNDS = 3;
/** More that wants to run than processors that run it: seconds of the clock say nothing about the program then. */
const busy = (): boolean => (loadavg()[0] ?? 0) > 2 * cpus().length;

interface Figures {
  readonly afterSeconds: number;
  readonly cpuSeconds: number;
}

describe.each([
  ['operator', 'deployment'],
  ['agent', 'daemonset'],
])('the %s', (component, kind) => {
  const world = new World();
  const object = `${kind}/${FULL_NAME}-${component}`;
  const selector = `app.kubernetes.io/component=${component}`;

  it('is ready less than 2 s after its container has started', async () => {
    const own: Figures[] = [];
    const seen: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await world.kube.run(['rollout', 'restart', object]);
      await world.kube.run(['rollout', 'status', object, '--timeout=120s'], '', 130);
      const pods = await world.kube.list<StartedPod>('pods', selector);
      // The last of the old ones may still be on its way out.
      for (const pod of pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined)) {
        own.push(await figures(pod.metadata.name, component));
        seen.push(kubeletsFigure(pod));
      }
    }
    const best = (key: keyof Figures): number => Math.min(...own.map((figure) => figure[key]));
    console.error(
      `${component}: ready after ${best('afterSeconds')} s, ${best('cpuSeconds')} s of a processor`,
    );
    expect(best('cpuSeconds')).toBeGreaterThan(0.05);
    expect(best('cpuSeconds')).toBeLessThan(2);
    if (busy()) return;
    expect(best('afterSeconds')).toBeLessThan(2);
    // The kubelet's times are whole seconds, and its probe has a period of one.
    expect(Math.min(...seen)).toBeLessThanOrEqual(3);
  });

  /** From the start of the process until its watches had listed, as it says in its log. */
  async function figures(pod: string, container: string): Promise<Figures> {
    const log = await world.kube.logs(pod, container);
    const line = log.split('\n').find((text) => text.includes('"afterSeconds"'));
    if (line === undefined) throw new Error(`${pod} does not say in its log when it was ready`);
    return JSON.parse(line) as Figures;
  }
});

function kubeletsFigure({ status }: StartedPod): number {
  const startedAt = status.containerStatuses?.[0]?.state?.running?.startedAt ?? '';
  const ready = status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? '';
  return (Date.parse(ready) - Date.parse(startedAt)) / 1000;
}
