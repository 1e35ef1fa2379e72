/** Sides that take turns on one tree. */
import { humanBytes, humanSeconds } from '@dynamo-snapshot/api/quantity';
import type { Captured, Restored, Side } from './side';
import type { Tree } from './tree';

export interface Round {
  readonly captured: Captured;
  readonly restored: Restored;
}

/** The first round touches memory and disk that nobody has used before; it is not counted. Nobody goes first each time. */
export async function alternate(
  sides: readonly Side[],
  tree: Tree,
  count: number,
): Promise<ReadonlyMap<string, readonly Round[]>> {
  const rounds = new Map<string, Round[]>(sides.map((side) => [side.name, []]));
  for (let i = 0; i <= count; i += 1)
    for (const side of i % 2 === 0 ? sides : [...sides].reverse()) {
      const done = await round(side, side.tree ?? tree);
      console.error(`${i === 0 ? 'warm-up' : `round ${i}`} ${side.name}: ${told(done)}`);
      if (i > 0) rounds.get(side.name)?.push(done);
    }
  return rounds;
}

/** Captured while it runs, ended, restored; its memory must be the same before, after the capture, and after the restore. */
async function round(side: Side, tree: Tree): Promise<Round> {
  const { root } = tree;
  if (root === undefined) throw new Error('there is no tree');
  const before = await tree.checksums();
  const captured = await side.capture(root, tree.freezer);
  const after = await tree.checksums();
  await tree.end();
  const restored = await side.restore();
  tree.adopt(restored.root);
  const again = await tree.checksums();
  if (after !== before || again !== before)
    throw new Error(`${side.name} changed the memory: ${before}, ${after}, ${again}`);
  return { captured, restored };
}

const told = ({ captured, restored }: Round): string =>
  [
    `paused ${humanSeconds(captured.pausedSeconds)}`,
    `capture ${humanSeconds(captured.seconds)} (${humanBytes(captured.bytes)})`,
    `restore ${humanSeconds(restored.seconds)}`,
    ...[...captured.steps, ...restored.steps].map(({ step, seconds }) => `${step} ${humanSeconds(seconds)}`),
  ].join(', ');

export const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
