/** What to do about a DynamoCheckpoint; pure and total. Ready means: an agent has published the artifact and read its digest back. */
import { isFinal } from '@dynamo-snapshot/api/assignment';
import { backendOf } from '@dynamo-snapshot/api/backends';
import { ARTIFACT_FINALIZER, reason } from '@dynamo-snapshot/api/names';
import type { Instant } from '@dynamo-snapshot/api/time';
import type { CaptureRequest } from './capture';
import { decideCapture, failDuplicate } from './decide-capture';
import { decideDeletion } from './decide-deletion';
import { decideStay } from './decide-stay';
import type { Observed } from './observe';
import type { Plan } from './plan';

export function decide(seen: Observed, now: Instant): Plan {
  if (seen.checkpoint.metadata.deletionTimestamp !== undefined) return decideDeletion(seen, now);
  const { request, key } = seen;
  if (request === undefined) return begin(seen, { key, version: 1, attempt: 1 });
  if (request.key !== key) return decideAgain(seen, request);
  return request.outcome === undefined ? decideCapture(seen, request, now) : decideStay(seen, now);
}

function begin(seen: Observed, request: CaptureRequest): Plan {
  const backend = backendOf(seen.checkpoint.spec.identity.backendFramework);
  if ('refused' in backend)
    return { do: 'fail', reason: reason.unsupportedBackend, message: backend.refused };
  if (seen.owner !== undefined) return failDuplicate(seen, seen.owner);
  if (seen.checkpoint.metadata.finalizers?.includes(ARTIFACT_FINALIZER) !== true)
    return { do: 'addFinalizer' };
  const message = request.version === 1 ? '' : `capturing version ${request.version}`;
  return { do: 'begin', request, message };
}

/** Something else is asked for now. The artifact that there is stays in use until the new one is Ready. */
function decideAgain(seen: Observed, { version, outcome }: CaptureRequest): Plan {
  const { capture, job, key } = seen;
  if (capture !== undefined && !isFinal(capture.status?.phase) && outcome === undefined)
    return capture.spec.cancelled === true ? { do: 'nothing' } : { do: 'cancelCapture', capture };
  if (job.state === 'active') return { do: 'endJob' };
  return begin(seen, { key, version: version + 1, attempt: 1 });
}
