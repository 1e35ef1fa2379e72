/** Resumes the processes that a journal names. */
import type { ProcessRef } from '../linux/ids';
import { isAlive } from '../linux/proc';
import type { HelperCommand } from './client';
import { Cuda } from './client';
import { resumeAll } from './resume';

export interface CudaResume {
  readonly helper: HelperCommand;
  readonly processes: readonly ProcessRef[];
  /** Absent in what an older version has written down. */
  readonly driver?: string;
  readonly limitMs: number;
}

/** Throws where one of them lives and does not run. */
export async function resumeFromJournal({
  helper,
  processes,
  driver = '',
  limitMs,
}: CudaResume): Promise<void> {
  if (!processes.some(isAlive)) return;
  const cuda = new Cuda(helper);
  try {
    await resumeAll(cuda, { processes, driver }, { until: Date.now() + limitMs });
  } finally {
    cuda.close();
  }
}
