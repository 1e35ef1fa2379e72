/** What an operation writes down before it does it, so that whoever comes after its death knows what to take back, or to finish. */
import type { Receipt } from '@dynamo-snapshot/api/receipt';
import type { Claim } from '../cuda/huge-pages';
import type { CudaResume } from '../cuda/undo';
import type { Place } from '../files/remaps';
import type { ContainerId, ProcessRef } from '../linux/ids';
import type { HookTarget } from '../quiesce/run';

export type UndoStep =
  | { readonly do: 'thaw'; readonly freezer: string }
  /** They ran before. What they have forked since is theirs. */
  | { readonly do: 'continue'; readonly processes: readonly ProcessRef[] }
  /** A worker that was brought to rest, or is about to be. */
  | { readonly do: 'wake'; readonly target: HookTarget }
  /** A folder named .staging-… or restore-… */
  | { readonly do: 'remove'; readonly path: string }
  /** CRIU works on a tree, and answers to the hook in this folder. */
  | { readonly do: 'endDump'; readonly hook: string }
  /** CRIU gives names to unlinked files, and takes them away at its own end only (criu(8), --link-remap). */
  | {
      readonly do: 'unlinkRemaps';
      /** Root of the tree, through which its files are reached. */
      readonly process: ProcessRef;
      readonly places: readonly Place[];
      /** Epoch milliseconds; older names are somebody else's. */
      readonly since: number;
    }
  /** Holders of CUDA state, brought back to work from whatever state the driver left them in. */
  | ({ readonly do: 'cudaResume' } & CudaResume)
  /** The node's setting of huge pages, where this holder changed it. */
  | { readonly do: 'hugePages'; readonly claim: Claim }
  | {
      readonly do: 'killRestored';
      readonly id: ContainerId;
      readonly dirs: readonly string[];
      readonly freezer: string;
      readonly placeholder: ProcessRef;
    }
  | FinishStep;

/** A step that could not be taken back. */
export interface Left {
  readonly step: UndoStep['do'];
  readonly why: string;
}

export const wordsOf = ({ step, why }: Left): string => `undo ${step}: ${why}`;

/** Points of no return: where the step has been reached and its work is whole, the operation is finished instead of taken back. */
export type FinishStep =
  /** The artifact is renamed into this place. */
  | { readonly do: 'publish'; readonly path: string }
  /** The restored tree is proven; only standby and the worker have not been told for certain. */
  | {
      readonly do: 'handOver';
      readonly placeholder: ProcessRef;
      /** Root of the restored tree. */
      readonly root: ProcessRef;
      readonly receipt: Receipt;
      /** The one that the worker may have read already. */
      readonly seed: string;
      /** Its hooks, which come last. */
      readonly wake?: HookTarget;
    };
