/** The webhook's own certificate authority and serving certificate, and when they are made anew. */
import 'reflect-metadata';
import { webcrypto, X509Certificate as NodeCertificate } from 'node:crypto';
import type { Instant } from '@dynamo-snapshot/api/time';
import {
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** As they lie in the Secret; all PEM. */
export interface Certificates {
  /** The authorities that the API server trusts: the one that signs, and those that have signed what may still be served. */
  readonly bundle: string;
  readonly authorityKey: string;
  readonly certificate: string;
  readonly key: string;
}

export const DAY_MS = 24 * 3600_000;
const AUTHORITY_DAYS = 730;
const SERVING_DAYS = 90;
/** Clocks of API servers differ from ours. */
const SKEW_MS = 5 * 60_000;

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const keyFormat = { name: 'ECDSA', namedCurve: 'P-256' } as const;

export type Renewal = 'none' | 'certificate' | 'authority';

/** After two thirds of its life, with a third left to be noticed; at once for other names. */
export function renewal(now: Instant, names: readonly string[], have: Certificates | undefined): Renewal {
  if (have === undefined) return 'authority';
  try {
    const authority = new NodeCertificate(firstOf(have.bundle));
    const certificate = new NodeCertificate(have.certificate);
    if (isOld(authority, now)) return 'authority';
    const covers = names.every((name) => certificate.checkHost(name) !== undefined);
    const signed = certificate.verify(authority.publicKey);
    return isOld(certificate, now) || !covers || !signed ? 'certificate' : 'none';
  } catch {
    return 'authority';
  }
}

function isOld({ validFrom, validTo }: NodeCertificate, now: Instant): boolean {
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  return now > from + ((to - from) * 2) / 3;
}

const pems = (bundle: string): readonly string[] =>
  bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
const firstOf = (bundle: string): string => pems(bundle)[0] ?? '';

/** Of a new authority, the bundle still has the old one: replicas serve what it has signed until they look again. */
export async function renewed(
  what: Exclude<Renewal, 'none'>,
  now: Instant,
  names: readonly string[],
  have: Certificates | undefined,
): Promise<Certificates> {
  cryptoProvider.set(webcrypto);
  if (what === 'certificate' && have !== undefined) {
    const key = await privateKey(have.authorityKey);
    return { ...have, ...(await serving(now, names, new X509Certificate(firstOf(have.bundle)), key)) };
  }
  const { certificate, keys } = await authority(now);
  const old = pems(have?.bundle ?? '').slice(0, 1);
  return {
    bundle: [certificate.toString('pem'), ...old].join('\n'),
    authorityKey: await pemOf(keys.privateKey),
    ...(await serving(now, names, certificate, keys.privateKey)),
  };
}

async function authority(now: Instant) {
  const keys = await generate();
  const usage = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity(now, AUTHORITY_DAYS),
    name: 'CN=dynamo-snapshot webhook authority',
    signingAlgorithm: algorithm,
    keys,
    extensions: [new BasicConstraintsExtension(true, 0, true), new KeyUsagesExtension(usage, true)],
  });
  return { certificate, keys };
}

async function serving(
  now: Instant,
  names: readonly string[],
  issuer: X509Certificate,
  signingKey: webcrypto.CryptoKey,
): Promise<Pick<Certificates, 'certificate' | 'key'>> {
  const keys = await generate();
  const certificate = await X509CertificateGenerator.create({
    ...validity(now, SERVING_DAYS),
    subject: `CN=dynamo-snapshot webhook`,
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value }))),
    ],
  });
  return { certificate: certificate.toString('pem'), key: await pemOf(keys.privateKey) };
}

/** 16 random bytes; the first bit clear, for a serial number is positive (RFC 5280, 4.1.2.2). */
function validity(now: Instant, days: number) {
  const serial = webcrypto.getRandomValues(Buffer.alloc(16));
  serial[0] = (serial[0] ?? 0) & 0x7f;
  return {
    serialNumber: serial.toString('hex'),
    notBefore: new Date(now - SKEW_MS),
    notAfter: new Date(now + days * DAY_MS),
  };
}

const generate = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(keyFormat, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;

const pemOf = async (key: webcrypto.CryptoKey): Promise<string> =>
  PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');

const privateKey = (pem: string): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pem), keyFormat, true, ['sign']);
