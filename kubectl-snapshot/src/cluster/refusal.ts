/** Which answers of the API server to a list or watch no waiting cures, in words; pure. */
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { statusOf } from '@dynamo-snapshot/controller/api';
import type { Resource } from '@dynamo-snapshot/controller/resource';

/** Undefined where the same may succeed later. */
export function refusalOf(error: unknown, what: Resource): TerminalError | undefined {
  const listed = statusOf(error);
  // client-node has another error for watches.
  const code = listed ?? (error as { readonly statusCode?: unknown }).statusCode;
  const verb = listed === undefined ? 'watch' : 'list';
  const kind = what.group === '' ? what.plural : `${what.plural}.${what.group}`;
  const where = what.namespace ? `in namespace ${what.namespace}` : 'in all namespaces';
  const refused = (reason: string, why: string) =>
    new TerminalError(reason, `${verb} ${kind} ${where}: ${why}`, { cause: error });
  switch (code) {
    case 401:
      return refused('Unauthorized', 'the API server does not know who asks (401): log in again');
    case 403:
      return refused('Forbidden', `the right to do so is missing (403): ask for the verbs list and watch`);
    case 404:
      return refused('NotFound', 'the API server does not know them (404): install the chart');
    default:
      return undefined;
  }
}
