/**
 * The startup probe of a placeholder: standby's own program asks what the pod's startup probe would have asked (standby/probe.h). So
 * liveness keeps away from a placeholder and from a worker that still loads, in any image, with no file to write. Pure.
 */
import { STANDBY_PATH } from '@dynamo-snapshot/api/control';
import type { V1Container, V1HTTPGetAction, V1Probe } from '@kubernetes/client-node';

/** Defaults of core/v1 Probe. */
const PERIOD_SECONDS = 10;
const FAILURES = 3;

/** `waitSeconds`: how long the placeholder may wait, all attempts together. */
export function startupProbe(container: V1Container, waitSeconds: number): V1Probe {
  const { startupProbe: startup, livenessProbe: liveness } = container;
  const asked = startup ?? liveness;
  const hold = startup === undefined ? (liveness?.initialDelaySeconds ?? 0) : 0;
  const handler = startup === undefined && hold === 0 ? [] : handlerArgs(asked, container);
  const holdArgs = hold > 0 ? ['--hold', String(hold)] : [];
  return {
    ...(startup?.terminationGracePeriodSeconds === undefined
      ? {}
      : { terminationGracePeriodSeconds: startup.terminationGracePeriodSeconds }),
    exec: { command: [STANDBY_PATH, '--probe', ...holdArgs, ...handler] },
    periodSeconds: 1,
    timeoutSeconds: Math.max(asked?.timeoutSeconds ?? 1, LEAST_TIMEOUT_SECONDS),
    failureThreshold: waitSeconds + startupSeconds(startup) + hold,
  };
}

/** An exec costs more than a request of the kubelet's own; a busy node is no failed start. */
const LEAST_TIMEOUT_SECONDS = 5;

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
