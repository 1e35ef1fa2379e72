/** What becomes of a placeholder whose restore has failed, at once and without a way round by the operator. */
import { isRetryable } from '@dynamo-snapshot/api/assignment';
import type { Fallback } from '@dynamo-snapshot/api/standby';
import type { EngineConfig } from '../config';
import type { Because, RestoreRequest } from '../engine';
import { claim, endWaiting, observeTarget } from './placeholder';

/** How long standby then waits for the next attempt before it falls back by itself. */
const RETRY_WITHIN_SECONDS = 15;

/** What was done; undefined where a retry may help, or where the one who asked wants nothing done. */
export async function fallBack(
  request: RestoreRequest,
  because: Because,
  config: EngineConfig,
): Promise<Fallback | undefined> {
  if (request.fallback === undefined) return undefined;
  const target = await observeTarget(request.containerId, config);
  if (request.lastAttempt !== true && isRetryable(because.reason)) {
    await claim(target.placeholder, RETRY_WITHIN_SECONDS);
    return undefined;
  }
  await endWaiting(request.fallback, because, target);
  return request.fallback;
}
