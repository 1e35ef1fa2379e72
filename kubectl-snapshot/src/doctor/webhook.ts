/** Whether the admission webhook would be reached and believed; pure. */
import { X509Certificate } from 'node:crypto';
import type { Said } from './decide';
import { ok, problem, unknown } from './decide';
import type { SeenCluster, SeenWebhook } from './observe';

export function decideWebhook({ webhooks }: SeenCluster, now: number): readonly Said[] {
  if ('unknown' in webhooks) return [unknown(webhooks.unknown)];
  if (webhooks.value.length === 0)
    return [
      problem(
        'there is no admission webhook: pods that ask for a checkpoint start the slow way',
        'helm upgrade with the chart of this release, or write restore pods by hand (docs/restore-pods.md)',
      ),
    ];
  return webhooks.value.map((webhook) => ofWebhook(webhook, now));
}

function ofWebhook({ configuration, endpoints }: SeenWebhook, now: number): Said {
  const name = configuration.metadata?.name ?? '';
  const client = configuration.webhooks?.[0]?.clientConfig;
  const service = `${client?.service?.namespace}/${client?.service?.name}`;
  if ('value' in endpoints && endpoints.value === 0)
    return problem(
      `webhook ${name} is down: service ${service} has no endpoint that is ready`,
      `see that the operator runs: kubectl --namespace ${client?.service?.namespace} get pods -l app.kubernetes.io/component=operator`,
    );
  const fault = bundleFault(client?.caBundle, now);
  if (fault !== undefined)
    return problem(
      `webhook ${name} is not believed: ${fault}`,
      'restart the operator: it makes its certificates, and writes them there',
    );
  return 'value' in endpoints
    ? ok(`webhook ${name} has ${endpoints.value} endpoints`)
    : unknown(`webhook ${name}: ${endpoints.unknown}`);
}

/** Base64 of PEM. */
function bundleFault(bundle: string | undefined, now: number): string | undefined {
  if (!bundle) return 'it has no caBundle';
  try {
    const { validTo } = new X509Certificate(Buffer.from(bundle, 'base64'));
    return Date.parse(validTo) < now ? `its certificate authority has expired (${validTo})` : undefined;
  } catch {
    return 'its caBundle is no certificate';
  }
}
