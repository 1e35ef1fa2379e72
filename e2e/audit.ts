/** Writes to the API, as the API server itself has noted them down. */
import { readFileSync } from 'node:fs';
import { auditLog } from './cluster/control-plane';

export interface Write {
  readonly account: string;
  readonly verb: string;
  readonly resource: string;
  readonly name: string;
  readonly time: string;
}

interface Line {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string; readonly name?: string };
  readonly stageTimestamp: string;
}

/** By service accounts of the namespace, since that moment. The last line may be half written. */
export function writesSince(cluster: string, namespace: string, since: Date): readonly Write[] {
  const prefix = `system:serviceaccount:${namespace}:`;
  return readFileSync(auditLog(cluster), 'utf8')
    .split('\n')
    .flatMap((text) => parse(text) ?? [])
    .filter(
      ({ user, stageTimestamp }) => user.username.startsWith(prefix) && new Date(stageTimestamp) >= since,
    )
    .map(({ verb, user, objectRef, stageTimestamp }) => ({
      account: user.username.slice(prefix.length),
      verb,
      resource: [objectRef?.resource, objectRef?.subresource].filter(Boolean).join('/'),
      name: objectRef?.name ?? '',
      time: stageTimestamp,
    }));
}

function parse(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}
