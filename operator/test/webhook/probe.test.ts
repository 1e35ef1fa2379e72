import type { V1Container, V1Probe } from '@kubernetes/client-node';
import { startupProbe } from '../../src/webhook/probe';

const http = (port: unknown, more: object = {}) => ({ httpGet: { path: '/up', port, ...more } }) as V1Probe;
const container = (probes: Partial<V1Container>): V1Container => ({
  name: 'main',
  ports: [{ name: 'api', containerPort: 8000 }],
  ...probes,
});
const asked = (probes: Partial<V1Container>) =>
  startupProbe(container(probes), 100).exec?.command?.slice(2).join(' ');

describe('the startup probe of a placeholder', () => {
  it.each<[string, Partial<V1Container>, string]>([
    ['asks nothing where the pod asks nothing', {}, ''],
    ['asks nothing where liveness begins at once: that will ask', { livenessProbe: http(8000) }, ''],
    ['asks what the startup probe asks', { startupProbe: http(8000) }, '--http 8000 /up'],
    ['finds a port by its name', { startupProbe: http('api') }, '--http 8000 /up'],
    ['asks nothing of a port that does not exist', { startupProbe: http('none') }, ''],
    [
      'sends the headers',
      { startupProbe: http(1, { httpHeaders: [{ name: 'Host', value: 'h' }] }) },
      '--http 1 /up --header Host: h',
    ],
    [
      'asks for a listening port in the place of HTTPS',
      { startupProbe: http(1, { scheme: 'HTTPS' }) },
      '--tcp 1',
    ],
    ['asks for a port', { startupProbe: { tcpSocket: { port: 'api' as never } } }, '--tcp 8000'],
    ['asks for a listening port in the place of gRPC', { startupProbe: { grpc: { port: 9 } } }, '--tcp 9'],
    ['runs a command', { startupProbe: { exec: { command: ['is', 'up'] } } }, '-- is up'],
    [
      'keeps liveness away as long as it would have waited, or until it would pass',
      { livenessProbe: { ...http(8000), initialDelaySeconds: 40 } },
      '--hold 40 --http 8000 /up',
    ],
    [
      'leaves the delay of liveness to a startup probe, as the kubelet does',
      { startupProbe: http(8000), livenessProbe: { ...http(8000), initialDelaySeconds: 40 } },
      '--http 8000 /up',
    ],
  ])('%s', (_, probes, args) => expect(asked(probes)).toBe(args));

  it('gives the placeholder its time to wait, and the worker the time that the pod gave it to start', () => {
    const slow = { ...http(8000), periodSeconds: 5, failureThreshold: 60, initialDelaySeconds: 3 };
    expect(startupProbe(container({ startupProbe: slow }), 100)).toMatchObject({
      periodSeconds: 1,
      failureThreshold: 403,
    });
    expect(startupProbe(container({}), 100).failureThreshold).toBe(100);
  });

  it('keeps the grace of the pod for a worker that does not start', () => {
    const probe = { ...http(8000), terminationGracePeriodSeconds: 3, timeoutSeconds: 20 };
    expect(startupProbe(container({ startupProbe: probe }), 1)).toMatchObject({
      terminationGracePeriodSeconds: 3,
      timeoutSeconds: 20,
    });
  });
});
