/**
 * The startup probe of a placeholder: standby's own program asks what the pod's startup probe would have asked (standby/probe.h). So
 * liveness keeps away from a placeholder and from a worker that still loads, in any image, with no file to write. Pure.
 *
 * One call of it waits for the restore and answers when that is over; the kubelet then asks again after its period of a second. Failures
 * are therefore counted as they come: one for each call that has waited in vain, one for each that a failed attempt ends with its
 * leftovers, and one a second from a worker that was started cold. A worker that hangs gets what its own probe gives it and, in seconds,
 * as many more as the placeholder has failures left, not its whole time to wait.
 */
import { STANDBY_PATH } from '@dynamo-snapshot/api/control';
import type { V1Container, V1HTTPGetAction, V1Probe } from '@kubernetes/client-node';

/** Defaults of core/v1 Probe. */
const PERIOD_SECONDS = 10;
const FAILURES = 3;
const TIMEOUT_SECONDS = 1;

/** How long one call waits: many restores end within it, and one that is lost on its way is made good so much later. */
export const PROBE_WAIT_SECONDS = 20;

/**
 * A probe that has waited passes so long after the restore: enough for the readiness gate's condition to be written and seen by the kubelet. A container
 * that starts makes the kubelet look at its pod twice; a condition that comes after that is looked at up to two periods of its PLEG later.
 * From the condition to Ready it is 1.7 s without and 0.7 s with it, on a busy node (docs/adr/0027).
 */
const SETTLE_MS = 400;

/** An exec costs more than a request of the kubelet's own; a busy node is no failed start. */
const LEAST_TIMEOUT_SECONDS = 5;

/** For calls that fail before their time: ended by the cold start, or with a container runtime that restarts. */
const SPARE_FAILURES = 5;

export interface Waiting {
  /** How long the placeholder may wait, all attempts together. */
  readonly seconds: number;
  readonly attempts: number;
}

export function startupProbe(container: V1Container, waiting: Waiting): V1Probe {
  const { startupProbe: startup, livenessProbe: liveness } = container;
  const asked = startup ?? liveness;
  const hold = startup === undefined ? (liveness?.initialDelaySeconds ?? 0) : 0;
  const handler = startup === undefined && hold === 0 ? [] : handlerArgs(asked, container);
  const timeout = asked?.timeoutSeconds ?? TIMEOUT_SECONDS;
  const command = [
    ...[STANDBY_PATH, '--probe', '--wait', String(PROBE_WAIT_SECONDS), '--settle', String(SETTLE_MS)],
    ...(handler.length > 0 ? ['--timeout', String(timeout)] : []),
    ...(hold > 0 ? ['--hold', String(hold)] : []),
    ...handler,
  ];
  return {
    ...(startup?.terminationGracePeriodSeconds === undefined
      ? {}
      : { terminationGracePeriodSeconds: startup.terminationGracePeriodSeconds }),
    exec: { command },
    periodSeconds: 1,
    timeoutSeconds: PROBE_WAIT_SECONDS + Math.max(timeout, LEAST_TIMEOUT_SECONDS),
    failureThreshold: failuresOf(waiting) + startupSeconds(startup) + hold,
  };
}

const failuresOf = ({ seconds, attempts }: Waiting): number =>
  Math.ceil(seconds / PROBE_WAIT_SECONDS) + attempts + SPARE_FAILURES;

/** What the pod gave its worker to start. */
const startupSeconds = (probe: V1Probe | undefined): number =>
  probe === undefined
    ? 0
    : (probe.initialDelaySeconds ?? 0) +
      (probe.periodSeconds ?? PERIOD_SECONDS) * (probe.failureThreshold ?? FAILURES);

/** HTTPS and gRPC need libraries that standby does without: there, a port that answers is a worker that has started. */
function handlerArgs(probe: V1Probe | undefined, container: V1Container): readonly string[] {
  if (probe?.exec?.command?.length) return ['--', ...probe.exec.command];
  const port = portNumber((probe?.httpGet ?? probe?.tcpSocket ?? probe?.grpc)?.port, container);
  if (port === undefined) return [];
  return probe?.httpGet === undefined ? ['--tcp', port] : httpArgs(probe.httpGet, port);
}

function httpArgs(
  { path = '/', scheme = 'HTTP', httpHeaders = [] }: V1HTTPGetAction,
  port: string,
): readonly string[] {
  if (scheme !== 'HTTP') return ['--tcp', port];
  return [
    '--http',
    port,
    path,
    ...httpHeaders.flatMap(({ name, value }) => ['--header', `${name}: ${value}`]),
  ];
}

function portNumber(port: unknown, { ports = [] }: V1Container): string | undefined {
  const number =
    typeof port === 'string' ? (ports.find((p) => p.name === port)?.containerPort ?? port) : port;
  return /^[0-9]+$/.test(String(number)) ? String(number) : undefined;
}
