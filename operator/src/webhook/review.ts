/** AdmissionReview (admission.k8s.io/v1): what the API server asks, and our answers; pure. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { unreachable } from '@dynamo-snapshot/api/errors';
import type { V1Pod } from '@kubernetes/client-node';
import type { Admission } from './decide';
import type { PatchStep } from './patch';
import { podPatch } from './patch';
import type { ShapeSettings } from './shape';
import { prepared } from '../backend/prepare';
import type { Preparation } from '../backend/prepare';
import { leftAlone, shaped } from './shape';
import type { Verdict } from './validate';

export interface AdmissionRequest<T> {
  readonly uid: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly dryRun?: boolean;
  readonly object: T;
}

export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly warnings?: readonly string[];
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  readonly patchType?: 'JSONPatch';
  /** Base64. */
  readonly patch?: string;
}

const REVIEW = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' } as const;

export const review = (response: AdmissionResponse) => ({ ...REVIEW, response });

/** Throws where it is none of ours. */
export function requestOf<T extends V1Pod | DynamoCheckpoint>(text: string): AdmissionRequest<T> {
  const body = JSON.parse(text) as { kind?: string; request?: AdmissionRequest<T> };
  if (body.kind !== REVIEW.kind || typeof body.request?.uid !== 'string' || !body.request.object)
    throw new Error(`the body is no ${REVIEW.kind} with a request`);
  return body.request;
}

export function podResponse(
  { uid, object }: AdmissionRequest<V1Pod>,
  admission: Admission,
  settings: ShapeSettings,
): AdmissionResponse {
  switch (admission.do) {
    case 'admit':
      return { uid, allowed: true, ...(admission.warning ? { warnings: [admission.warning] } : {}) };
    case 'prepare':
      return patched(uid, podPatch(object, source(object, admission.preparation, settings)));
    case 'shape':
      return patched(uid, podPatch(object, shaped(object, admission.order, settings)));
    case 'leave': {
      const { reason, message } = admission.because;
      const warnings = [`not restored from a checkpoint: ${reason}: ${message}`];
      const left = leftAlone(source(object, admission.preparation, settings), admission.because);
      return { ...patched(uid, podPatch(object, left)), warnings };
    }
    case 'deny':
      return denied(uid, admission.because.reason, admission.because.message);
    default:
      return unreachable(admission);
  }
}

const source = (
  pod: V1Pod,
  preparation: Preparation | undefined,
  { sourceSeccompProfile }: ShapeSettings,
): V1Pod => (preparation === undefined ? pod : prepared(pod, preparation, sourceSeccompProfile));

const patched = (uid: string, steps: readonly PatchStep[]): AdmissionResponse => ({
  uid,
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(steps)).toString('base64'),
});

const denied = (uid: string, reason: string, message: string): AdmissionResponse => ({
  uid,
  allowed: false,
  status: { code: 422, reason, message },
});

export const checkpointResponse = (uid: string, { faults, warnings }: Verdict): AdmissionResponse => ({
  ...(faults.length > 0 ? denied(uid, 'Invalid', faults.join('; ')) : { uid, allowed: true }),
  ...(warnings.length > 0 ? { warnings } : {}),
});
