/** The Secret through which all replicas serve the same certificate. The chart makes it, empty; whoever comes first fills it. */
import type { KubeConfig, V1Secret } from '@kubernetes/client-node';
import { CoreV1Api } from '@kubernetes/client-node';
import { during } from '@dynamo-snapshot/api/errors';
import type { Clock } from '@dynamo-snapshot/api/time';
import type { Log } from '@dynamo-snapshot/controller/log';
import type { Certificates } from './certificate';
import { renewal, renewed } from './certificate';

/** Keys of a Secret of type kubernetes.io/tls, and the authority's. */
const field = { bundle: 'ca.crt', authorityKey: 'ca.key', certificate: 'tls.crt', key: 'tls.key' } as const;

export interface SecretOptions {
  readonly kube: KubeConfig;
  readonly namespace: string;
  readonly name: string;
  /** Of our Service, as API servers call it. */
  readonly names: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

export class CertificateSecret {
  readonly #options: SecretOptions;
  readonly #core: CoreV1Api;

  constructor(options: SecretOptions) {
    this.#options = options;
    this.#core = options.kube.makeApiClient(CoreV1Api);
  }

  /** What is to be served now. A replica that was faster answers 409, which is an error that the caller's retry makes good. */
  async current(): Promise<Certificates> {
    const { namespace, name, names, clock, log } = this.#options;
    const secret = await during(`read secret ${name}`, () =>
      this.#core.readNamespacedSecret({ namespace, name }),
    );
    const have = certificatesOf(secret);
    const what = renewal(clock.now(), names, have);
    if (what === 'none' && have !== undefined) return have;
    const made = await renewed(what === 'none' ? 'authority' : what, clock.now(), names, have);
    const body = { ...secret, data: { ...secret.data, ...dataOf(made) } };
    await during(`write secret ${name}`, () => this.#core.replaceNamespacedSecret({ namespace, name, body }));
    log.info(`made a new ${what} for the webhook`);
    return made;
  }
}

function certificatesOf({ data }: V1Secret): Certificates | undefined {
  const text = (key: string) => Buffer.from(data?.[key] ?? '', 'base64').toString();
  const found = {
    bundle: text(field.bundle),
    authorityKey: text(field.authorityKey),
    certificate: text(field.certificate),
    key: text(field.key),
  };
  return Object.values(found).every((value) => value !== '') ? found : undefined;
}

const dataOf = (certificates: Certificates): Record<string, string> =>
  Object.fromEntries(
    Object.entries(field).map(([from, to]) => [
      to,
      Buffer.from(certificates[from as keyof Certificates]).toString('base64'),
    ]),
  );
