/** How long CRIU may keep a source still, whatever becomes of the engine meanwhile; pure. */
import { reason } from '@dynamo-snapshot/api/names';
import { humanSeconds } from '@dynamo-snapshot/api/quantity';

/** The source needs a moment to answer its next probe. */
const BUDGET_SHARE = 0.8;

export interface Times {
  /** Until the kubelet kills a source that stands still; absent = never. */
  readonly budgetSeconds?: number;
  /** What of that is not the dump's: since its GPU was stopped, and until it will be given back; absent = none. */
  readonly spentSeconds?: number;
  /** Of the operation. */
  readonly remainingSeconds: number;
}

export interface StandStill {
  /** Not above 0: the dump must not begin. */
  readonly seconds: number;
  /** Of the error where it takes longer. */
  readonly reason: string;
  readonly message: string;
}

export function standStill({
  budgetSeconds = Infinity,
  spentSeconds = 0,
  remainingSeconds,
}: Times): StandStill {
  const left = budgetSeconds * BUDGET_SHARE - spentSeconds;
  // Rounded up: an engine that is well is told of its deadline first, and knows more of it.
  if (left >= remainingSeconds)
    return {
      seconds: Math.ceil(remainingSeconds),
      reason: reason.deadlineExceeded,
      message: 'the dump was not done in time',
    };
  const [budget, spent] = [budgetSeconds, spentSeconds].map(humanSeconds);
  const gpu = spentSeconds > 0 ? `; of the ${budget} that it allows, the GPU takes ${spent}` : '';
  return {
    seconds: left,
    reason: 'StoodStillTooLong',
    message: `its livenessProbe would have ended the source soon${gpu}`,
  };
}
