/** How far a long work is; written by an agent, shown by `kubectl get`. */
import type { FromSchema } from 'json-schema-to-ts';
import { humanBytes } from './quantity';

const bytes = { type: 'integer', format: 'int64', minimum: 0 } as const;

export const progressSchema = {
  type: 'object',
  description: 'How far the operation is.',
  required: ['step', 'summary'],
  properties: {
    step: { type: 'string', description: 'What is being done now.' },
    summary: { type: 'string', description: 'One word for the PROGRESS column, e.g. "dump 45%".' },
    bytesDone: { ...bytes, description: 'Of this step.' },
    bytesTotal: { ...bytes, description: 'Of this step, where it is known.' },
    bytesPerSecond: { ...bytes, description: 'Since the step began.' },
    etaSeconds: {
      type: 'integer',
      format: 'int64',
      minimum: 0,
      description: 'Until the end of the step, at that rate.',
    },
  },
} as const;

export type Progress = FromSchema<typeof progressSchema>;

export interface Measure {
  readonly step: string;
  readonly bytesDone?: number;
  readonly bytesTotal?: number;
  /** Seconds since the step began. */
  readonly elapsed?: number;
}

/** Rate, remaining time and the one-word summary follow from what was measured. */
export function progressOf({ step, bytesDone, bytesTotal, elapsed = 0 }: Measure): Progress {
  if (bytesDone === undefined || !bytesTotal) return { step, summary: step };
  const done = Math.min(bytesDone, bytesTotal);
  const rate = elapsed > 0 ? Math.round(done / elapsed) : 0;
  const percent = Math.floor((100 * done) / bytesTotal);
  return {
    step,
    summary: `${step} ${percent}%`,
    bytesDone: done,
    bytesTotal,
    ...(rate > 0 ? { bytesPerSecond: rate, etaSeconds: Math.ceil((bytesTotal - done) / rate) } : {}),
  };
}

/** "dump 45% of 1.2Gi" for logs and events. */
export const progressLine = (p: Progress): string =>
  p.bytesTotal ? `${p.summary} of ${humanBytes(p.bytesTotal)}` : p.summary;
