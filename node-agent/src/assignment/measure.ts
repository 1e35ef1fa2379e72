/** What an operation leaves in the metrics when it has ended. */
import type { Operation } from '@dynamo-snapshot/api/assignment';
import { reason } from '@dynamo-snapshot/api/names';
import type { Metrics } from '@dynamo-snapshot/controller/metrics';
import type { Outcome, Result } from '../engine';

/** What alerts look at: `rate` of a series that begins with 1 is 0, and a node may see one capture only. */
export function beginAtZero({ stepSeconds }: Metrics): void {
  stepSeconds.zero({ operation: 'Capture', step: 'paused' });
  stepSeconds.zero({ operation: 'Restore', step: 'total' });
}

export function count(metrics: Metrics, operation: Operation, outcome: Outcome): void {
  if (!outcome.ok) {
    const how = outcome.reason === reason.cancelled ? 'cancelled' : 'failed';
    metrics.operations.inc({ operation, outcome: how, reason: outcome.reason });
    return;
  }
  metrics.operations.inc({ operation, outcome: 'succeeded', reason: '' });
  for (const { step, seconds } of outcome.result.timings)
    metrics.stepSeconds.observe({ operation, step }, seconds);
  metrics.bytes.inc({ operation }, bytesOf(outcome.result));
}

const bytesOf = (result: Result): number => {
  if (result.operation === 'Capture') return result.sizeBytes;
  return result.operation === 'Restore' ? (result.receipt.bytes ?? 0) : 0;
};
