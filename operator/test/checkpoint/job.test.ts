import { checkpointJob } from '../../src/checkpoint/job';
import { checkpoint, job } from '../objects';

const settings = { identityHash: 'a'.repeat(16), version: 1, seccompProfile: 'profiles/p.json' };
const made = (more: object = {}, profile = settings.seccompProfile) =>
  checkpointJob(checkpoint({ spec: { job: job(more) } }), { ...settings, seccompProfile: profile });
const template = (spec: object, metadata: object = {}) => ({ podTemplateSpec: { metadata, spec } });

describe('the job of a checkpoint', () => {
  it('is the template with what a capture needs', () => {
    expect(made()).toMatchSnapshot();
  });

  it('keeps what the template sets, without the probes that would judge a frozen worker', () => {
    const container = {
      name: 'main',
      livenessProbe: {},
      startupProbe: {},
      env: [{ name: 'A', value: '1' }],
      volumeMounts: [{ name: 'data', mountPath: '/data' }],
    };
    const spec = {
      containers: [container, { name: 'side', livenessProbe: {} }],
      volumes: [{ name: 'data', emptyDir: {} }],
      securityContext: { fsGroup: 7, seccompProfile: { type: 'RuntimeDefault' } },
    };
    const pod = made(template(spec, { labels: { app: 'a' } })).spec?.template;
    const [main, side] = pod?.spec?.containers ?? [];
    expect(main).not.toHaveProperty('livenessProbe');
    expect(main).not.toHaveProperty('startupProbe');
    expect(main?.env).toContainEqual({ name: 'A', value: '1' });
    expect(main?.volumeMounts).toContainEqual({ name: 'data', mountPath: '/data' });
    expect(side).toEqual({ name: 'side', livenessProbe: {} });
    expect(pod?.spec?.securityContext).toEqual({
      fsGroup: 7,
      seccompProfile: { type: 'Localhost', localhostProfile: 'profiles/p.json' },
    });
    expect(pod?.metadata?.labels).toMatchObject({ app: 'a' });
  });

  it('leaves out shared memory and seccomp where they are not wanted', () => {
    const pod = made({ sharedMemory: { disabled: true } }, '').spec?.template.spec;
    expect(pod?.volumes?.map((v) => v.name)).toEqual(['snapshot-control', 'podinfo']);
    expect(pod).not.toHaveProperty('securityContext');
  });

  it('takes the only container, and refuses to guess among several', () => {
    const only = made(template({ containers: [{ name: 'x' }] })).spec?.template.spec?.containers[0];
    expect(only?.volumeMounts).toContainEqual({
      name: 'snapshot-control',
      mountPath: '/snapshot-control',
      subPath: 'x',
    });
    expect(() => made(template({ containers: [{ name: 'x' }, { name: 'y' }] }))).toThrow(
      expect.objectContaining({ reason: 'TargetContainerNotFound' }),
    );
  });
});
