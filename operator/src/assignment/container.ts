/** Which container of a pod is meant, and whether it runs; pure. */
import { DEFAULT_CONTAINER } from '@dynamo-snapshot/api/control';
import type { Instant } from '@dynamo-snapshot/api/time';
import type { V1Pod } from '@kubernetes/client-node';
import { isOver } from '../pod';
import type { ComingTarget, Target } from './build';

/** The named one; else `main`; else the only one. Undefined where that leaves none. */
export function targetContainer(
  containers: readonly { readonly name: string }[],
  wanted?: string,
): string | undefined {
  const name =
    wanted ?? (containers.some((c) => c.name === DEFAULT_CONTAINER) ? DEFAULT_CONTAINER : undefined);
  if (name !== undefined) return containers.some((c) => c.name === name) ? name : undefined;
  return containers.length === 1 ? containers[0]?.name : undefined;
}

const CONTAINER_ID = /^[0-9a-f]{64}$/;

export interface RunningContainer extends Target {
  readonly ready: boolean;
  /** Its startup probe has passed. */
  readonly started: boolean;
  readonly startedAt: Instant;
  readonly restartCount: number;
  /** Of the container before this one in the same pod. */
  readonly lastExitCode?: number;
}

/** Undefined while the container does not run. */
export function runningContainer(pod: V1Pod, container: string): RunningContainer | undefined {
  const status = pod.status?.containerStatuses?.find((c) => c.name === container);
  const nodeName = pod.spec?.nodeName;
  if (status?.state?.running === undefined || nodeName === undefined) return undefined;
  const id = withoutScheme(status.containerID);
  if (id === undefined) return undefined;
  const lastExitCode = status.lastState?.terminated?.exitCode;
  return {
    nodeName,
    pod: identityOf(pod),
    container: { name: container, id },
    ready: status.ready,
    started: status.started === true,
    // A list gives a Date, a watch the text.
    startedAt: new Date(status.state.running.startedAt ?? 0).getTime(),
    restartCount: status.restartCount,
    ...(lastExitCode === undefined ? {} : { lastExitCode }),
  };
}

/** Defined while a pod that has its node has not started the container for the first time, and still may. */
export function comingContainer(pod: V1Pod, container: string): ComingTarget | undefined {
  const status = pod.status?.containerStatuses?.find((c) => c.name === container);
  const nodeName = pod.spec?.nodeName;
  const begun =
    status !== undefined &&
    (status.restartCount > 0 ||
      status.state?.running !== undefined ||
      status.state?.terminated !== undefined);
  if (nodeName === undefined || begun || isOver(pod)) return undefined;
  return { nodeName, pod: identityOf(pod), container: { name: container } };
}

/** The 64 hex digits of "containerd://<id>"; undefined for anything else. */
const withoutScheme = (containerID = ''): string | undefined => {
  const id = containerID.replace(/^[a-z0-9-]+:\/\//, '');
  return CONTAINER_ID.test(id) ? id : undefined;
};

const identityOf = ({ metadata }: V1Pod): Target['pod'] => ({
  name: metadata?.name ?? '',
  uid: metadata?.uid ?? '',
});
