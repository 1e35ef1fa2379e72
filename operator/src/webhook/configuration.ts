/**
 * The part of the webhook configurations that only a running operator knows: the authority to trust, and which pods some checkpoint
 * selects. The chart makes the objects and leaves these fields out, so that an upgrade leaves them as they are.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KubeConfig, V1MutatingWebhook, V1ValidatingWebhook } from '@kubernetes/client-node';
import { AdmissionregistrationV1Api } from '@kubernetes/client-node';
import { during } from '@dynamo-snapshot/api/errors';

/** Name of the entry that is asked about pods that a checkpoint selects (charts/…/templates/webhook-configurations.yaml). */
export const SELECTED_WEBHOOK = 'selected-pods.snapshot.nvidia.com';

export interface Narrowing {
  /** PEM. */
  readonly bundle: string;
  /** CEL, for the pods of SELECTED_WEBHOOK. */
  readonly selected: string;
}

const trusting = <W extends V1MutatingWebhook | V1ValidatingWebhook>(webhook: W, bundle: string): W => ({
  ...webhook,
  clientConfig: { ...webhook.clientConfig, caBundle: Buffer.from(bundle).toString('base64') },
});

export const narrowed = (
  webhooks: readonly V1MutatingWebhook[],
  { bundle, selected }: Narrowing,
): V1MutatingWebhook[] =>
  webhooks.map((webhook) => ({
    ...trusting(webhook, bundle),
    ...(webhook.name === SELECTED_WEBHOOK
      ? { matchConditions: [{ name: 'selected', expression: selected }] }
      : {}),
  }));

/** As JSON: what was read are instances of client-node's classes, what is to be written is not. */
const same = (a: unknown, b: unknown): boolean =>
  isDeepStrictEqual(JSON.parse(JSON.stringify(a ?? null)), JSON.parse(JSON.stringify(b ?? null)));

/** One name for both objects. A change by somebody else meanwhile is a 409, which the caller's retry makes good. */
export async function configure(kube: KubeConfig, name: string, narrowing: Narrowing): Promise<void> {
  const api = kube.makeApiClient(AdmissionregistrationV1Api);
  await during(`configure mutating webhook ${name}`, async () => {
    const body = await api.readMutatingWebhookConfiguration({ name });
    const webhooks = narrowed(body.webhooks ?? [], narrowing);
    if (same(webhooks, body.webhooks)) return;
    await api.replaceMutatingWebhookConfiguration({ name, body: { ...body, webhooks } });
  });
  await during(`configure validating webhook ${name}`, async () => {
    const body = await api.readValidatingWebhookConfiguration({ name });
    const webhooks = (body.webhooks ?? []).map((w) => trusting(w, narrowing.bundle));
    if (same(webhooks, body.webhooks)) return;
    await api.replaceValidatingWebhookConfiguration({ name, body: { ...body, webhooks } });
  });
}
