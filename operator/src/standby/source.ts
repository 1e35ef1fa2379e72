/** Where a placeholder that is admitted gets its program from. */
import { setTimeout as delay } from 'node:timers/promises';
import { explain } from '@dynamo-snapshot/api/errors';
import type { Log } from '@dynamo-snapshot/controller/log';
import type { ConfigMaps } from './config-maps';
import { isUsable } from './decide';
import type { Program } from './program';

/** An API server waits for us meanwhile, and the pod for it. */
const LOOK_MS = 1000;

/**
 * The name of the ConfigMap in its namespace; undefined where it is not there as it should be, or cannot be read: an installer brings the
 * program then. Nothing is written, for an admission has no side effects: a pod with an installer tells the operator that leads.
 */
export async function configMapFor(
  namespace: string,
  program: Program,
  maps: Pick<ConfigMaps, 'find'>,
  log: Log,
): Promise<string | undefined> {
  const given = new AbortController();
  const late = delay(LOOK_MS, undefined, { signal: given.signal, ref: false }).then(() => {
    throw new Error(`no answer about configmap ${namespace}/${program.name} within ${LOOK_MS} ms`);
  });
  try {
    const found = await Promise.race([maps.find(namespace, program.name, program), late]);
    return isUsable(found) ? program.name : undefined;
  } catch (error) {
    log.warn(`a placeholder gets an installer: ${explain(error)}`, { namespace });
    return undefined;
  } finally {
    given.abort();
    late.catch(() => undefined);
  }
}
