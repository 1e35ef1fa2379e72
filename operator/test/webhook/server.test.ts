import { request } from 'node:https';
import { silent } from '@dynamo-snapshot/controller/log';
import type { Certificates } from '../../src/webhook/certificate';
import { DAY_MS, renewal, renewed } from '../../src/webhook/certificate';
import { requestOf } from '../../src/webhook/review';
import { WebhookServer } from '../../src/webhook/server';

const names = ['hook.ns.svc', 'hook.ns.svc.cluster.local'];
const now = Date.now();
const later = (days: number) => now + days * DAY_MS;

interface Asked {
  readonly port: number;
  readonly trust: string;
  readonly path?: string;
  readonly method?: string;
  readonly body?: string;
}

/** As an API server does: it trusts the bundle, and insists on the Service's name. */
const ask = ({ port, trust, path = '/echo', method = 'POST', body = '{}' }: Asked) =>
  new Promise<{ code: number; text: string }>((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method, ca: trust, servername: names[0], agent: false };
    const asked = request(options, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => resolve({ code: answer.statusCode ?? 0, text }));
    });
    asked.on('error', reject);
    asked.end(body);
  });

describe('certificates', () => {
  let made: Certificates;
  beforeAll(async () => void (made = await renewed('authority', now, names, undefined)));

  it.each([
    ['none at first', 0, 'none'],
    ['the certificate after two thirds of its life', 61, 'certificate'],
    ['the authority after two thirds of its own', 490, 'authority'],
  ] as const)('are renewed: %s', (_, days, what) => expect(renewal(later(days), names, made)).toBe(what));

  it('are made anew for another name, and where there is nothing or rubbish', () => {
    expect(renewal(now, ['other.ns.svc'], made)).toBe('certificate');
    expect(renewal(now, names, undefined)).toBe('authority');
    expect(renewal(now, names, { ...made, bundle: 'torn' })).toBe('authority');
  });

  it('of which one is not signed by the authority beside it is made anew', async () => {
    const other = await renewed('authority', now, names, undefined);
    expect(renewal(now, names, { ...made, certificate: other.certificate })).toBe('certificate');
  });

  it('keep the authority when only the certificate is old', async () => {
    const next = await renewed('certificate', later(61), names, made);
    expect(next.bundle).toBe(made.bundle);
    expect(next.certificate).not.toBe(made.certificate);
    expect(renewal(later(61), names, next)).toBe('none');
  });

  it('of a new authority are trusted beside those of the old one, not of the one before', async () => {
    const second = await renewed('authority', later(490), names, made);
    expect(second.bundle.match(/BEGIN/g)).toHaveLength(2);
    expect(second.bundle).toContain(made.bundle);
    const third = await renewed('authority', later(980), names, second);
    expect(third.bundle.match(/BEGIN/g)).toHaveLength(2);
    expect(third.bundle).not.toContain(made.bundle);
  });
});

describe('the webhook server', () => {
  let server: WebhookServer;
  let made: Certificates;
  const routes = {
    '/echo': (body: string) => ({ uid: body, allowed: true }),
    '/broken': () => Promise.reject(new Error('it broke')),
  };
  beforeAll(async () => {
    made = await renewed('authority', now, names, undefined);
    server = await WebhookServer.listen(0, made, routes, silent);
  });
  afterAll(() => server.close());
  const here = () => ({ port: server.port, trust: made.bundle });

  it('answers who trusts its authority and asks for its name', async () => {
    const { code, text } = await ask({ ...here(), body: 'u1' });
    expect(code).toBe(200);
    expect(JSON.parse(text)).toEqual({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: 'u1', allowed: true },
    });
  });

  it('is not believed by others', async () => {
    const { bundle } = await renewed('authority', now, names, undefined);
    await expect(ask({ ...here(), trust: bundle })).rejects.toThrow('certificate');
  });

  it.each([
    ['another path', { path: '/constructor' }, 404],
    ['another method', { method: 'GET' }, 404],
    ['what cannot be answered', { path: '/broken' }, 400],
  ])('refuses %s', async (_, more, code) => expect((await ask({ ...here(), ...more })).code).toBe(code));

  it('serves a new certificate without a pause', async () => {
    const next = await renewed('authority', now, names, made);
    server.serve(next);
    expect((await ask({ ...here(), trust: next.bundle })).code).toBe(200);
    await expect(ask(here())).rejects.toThrow('certificate');
  });
});

describe('an AdmissionReview', () => {
  it.each(['{', '{}', '{"kind":"AdmissionReview"}', '{"kind":"AdmissionReview","request":{"uid":"1"}}'])(
    'that is none is refused: %s',
    (text) => expect(() => requestOf(text)).toThrow(),
  );
});
