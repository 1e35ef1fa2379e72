/** How long settling an operation may take before it is broken off and tried anew; pure. */
import type { UndoStep } from './step';

/** Above what everything else waits for: CRIU to let go, killed processes to go, hooks, tracers. */
const SETTLED_WITHIN_MS = 180_000;
/** An artifact that was published is read once more; a slow store of a large one has this long. */
const READ_BACK_WITHIN_MS = 3_600_000;

/** The driver has as long as it was given beforehand, which depends on how much it holds. */
export function settleWithinMs(steps: readonly UndoStep[]): number {
  const extra = steps.map((step) => {
    if (step.do === 'cudaResume') return step.limitMs;
    return step.do === 'publish' ? READ_BACK_WITHIN_MS : 0;
  });
  return extra.reduce((sum, ms) => sum + ms, SETTLED_WITHIN_MS);
}
