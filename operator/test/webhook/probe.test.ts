import type { V1Container, V1Probe } from '@kubernetes/client-node';
import { PROBE_WAIT_SECONDS, startupProbe } from '../../src/webhook/probe';

const http = (port: unknown, more: object = {}) => ({ httpGet: { path: '/up', port, ...more } }) as V1Probe;
const container = (probes: Partial<V1Container>): V1Container => ({
  name: 'main',
  ports: [{ name: 'api', containerPort: 8000 }],
  ...probes,
});
const waiting = { seconds: 100, attempts: 2 };
const asked = (probes: Partial<V1Container>) =>
  startupProbe(container(probes), waiting).exec?.command?.slice(1).join(' ');
const wait = `--probe --wait ${PROBE_WAIT_SECONDS} --settle 400`;

describe('the startup probe of a placeholder', () => {
  it.each<[string, Partial<V1Container>, string]>([
    ['asks nothing where the pod asks nothing', {}, ''],
    ['asks nothing where liveness begins at once: that will ask', { livenessProbe: http(8000) }, ''],
    ['asks what the startup probe asks', { startupProbe: http(8000) }, '--timeout 1 --http 8000 /up'],
    ['finds a port by its name', { startupProbe: http('api') }, '--timeout 1 --http 8000 /up'],
    ['asks nothing of a port that does not exist', { startupProbe: http('none') }, ''],
    [
      'sends the headers',
      { startupProbe: http(1, { httpHeaders: [{ name: 'Host', value: 'h' }] }) },
      '--timeout 1 --http 1 /up --header Host: h',
    ],
    [
      'asks for a listening port in the place of HTTPS',
      { startupProbe: http(1, { scheme: 'HTTPS' }) },
      '--timeout 1 --tcp 1',
    ],
    ['asks for a port', { startupProbe: { tcpSocket: { port: 'api' as never } } }, '--timeout 1 --tcp 8000'],
    [
      'asks for a listening port in the place of gRPC',
      { startupProbe: { grpc: { port: 9 } } },
      '--timeout 1 --tcp 9',
    ],
    [
      'asks as long as the pod allows',
      { startupProbe: { ...http(8000), timeoutSeconds: 9 } },
      '--timeout 9 --http 8000 /up',
    ],
    ['runs a command', { startupProbe: { exec: { command: ['is', 'up'] } } }, '--timeout 1 -- is up'],
    [
      'keeps liveness away as long as it would have waited, or until it would pass',
      { livenessProbe: { ...http(8000), initialDelaySeconds: 40 } },
      '--timeout 1 --hold 40 --http 8000 /up',
    ],
    [
      'leaves the delay of liveness to a startup probe, as the kubelet does',
      { startupProbe: http(8000), livenessProbe: { ...http(8000), initialDelaySeconds: 40 } },
      '--timeout 1 --http 8000 /up',
    ],
  ])('%s', (_, probes, args) => expect(asked(probes)).toBe(`${wait} ${args}`.trim()));

  it('gives the placeholder its time to wait, and the worker the time that the pod gave it to start', () => {
    const slow = { ...http(8000), periodSeconds: 5, failureThreshold: 60, initialDelaySeconds: 3 };
    const alone = startupProbe(container({}), waiting);
    expect(alone).toMatchObject({ periodSeconds: 1, timeoutSeconds: 25 });
    expect((alone.failureThreshold ?? 0) * PROBE_WAIT_SECONDS).toBeGreaterThan(waiting.seconds);
    expect(startupProbe(container({ startupProbe: slow }), waiting).failureThreshold).toBe(
      (alone.failureThreshold ?? 0) + 303,
    );
  });

  it('counts a wait as one failure, and one more for each attempt', () => {
    const failures = (more: object) =>
      startupProbe(container({}), { ...waiting, ...more }).failureThreshold ?? 0;
    const least = failures({});
    expect(failures({ seconds: 101 })).toBe(least + 1);
    expect(failures({ seconds: 120 })).toBe(least + 1);
    expect(failures({ attempts: 5 })).toBe(least + 3);
  });

  it('does not give a worker that hangs the time that the placeholder had to wait', () => {
    const long = startupProbe(container({}), { seconds: 1000, attempts: 2 });
    expect(long.failureThreshold).toBeLessThan(60);
  });

  it('keeps the grace of the pod for a worker that does not start, and its time for an answer', () => {
    const probe = { ...http(8000), terminationGracePeriodSeconds: 3, timeoutSeconds: 30 };
    expect(startupProbe(container({ startupProbe: probe }), waiting)).toMatchObject({
      terminationGracePeriodSeconds: 3,
      timeoutSeconds: 50,
    });
  });
});
