/** Starts a pod and takes the time, as its user sees it. */
import type { Kube, KubeObject } from '../kube';
import type { PodStatus } from '../world';

export interface Started {
  readonly uid: string;
  readonly ip: string;
  /** Created -> Ready. */
  readonly readySeconds: number;
  readonly runningToAnswerSeconds: number;
}

/** `answers`: throws while the worker does not answer; it is asked from the moment that the pod is Running. */
export async function startPod(
  kube: Kube,
  pod: KubeObject,
  answers: (ip: string) => Promise<unknown>,
  seconds = 120,
): Promise<Started> {
  const { name } = pod.metadata;
  const created = Date.now();
  await kube.apply(pod);
  await kube.wait('pod', name, 'jsonpath={.status.phase}=Running', 120);
  const running = Date.now();
  const { status, metadata } = await kube.get<PodStatus>('pod', name);
  const answered = until(() => answers(status.podIP), running + seconds * 1000).then(() => Date.now());
  await kube.wait('pod', name, 'condition=Ready', seconds);
  const ready = Date.now();
  return {
    uid: metadata.uid,
    ip: status.podIP,
    readySeconds: (ready - created) / 1000,
    runningToAnswerSeconds: ((await answered) - running) / 1000,
  };
}

async function until(ask: () => Promise<unknown>, end: number): Promise<void> {
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
