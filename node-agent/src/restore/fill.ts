/** Fills the restored tree from the shards; an artifact whose pages CRIU wrote needs nothing. */
import type { EngineIo } from '../engine-io';
import type { Behind, Gate } from '../gate/gate';
import { before } from '../gate/gate';
import type { HostPid } from '../linux/ids';
import { hostOf, MemoryFill } from '../memory/fill';
import { totalBytes } from '../memory/catalog';
import type { Pool, Threads } from '../memory/pool';
import { readersFor } from '../memory/this-thread';
import type { Checked } from './check';

/** Who fills; a pool is started by then, or with the first task. Behind a gate never this thread: it asks the driver meanwhile. */
export const fillers = ({ verified: { index } }: Checked, pool: Pool, gate: Gate | undefined): Threads =>
  gate === undefined ? readersFor(index === undefined ? 0 : totalBytes(index), pool) : pool;

/** Everything that must be there before the tree runs. `hosts` has the restored processes by their pid in their own namespace. */
export async function fillTree(
  { artifact, verified: { index }, key }: Checked,
  hosts: ReadonlyMap<number, HostPid>,
  threads: Threads,
  io: EngineIo,
  gate?: Gate,
): Promise<void> {
  if (index === undefined) return;
  await gate?.shut(hosts);
  const job = {
    dir: artifact.dir,
    index: before(index, gate),
    key,
    hostOf: (pid: number) => hostOf(hosts, pid),
  };
  await followed(new MemoryFill(job), threads, io);
}

/** Begins at once; undefined without a gate. */
export function fillBehind(
  gate: Gate | undefined,
  { artifact, verified: { index }, key }: Checked,
  threads: Threads,
  io: EngineIo,
): Behind | undefined {
  if (gate === undefined || index === undefined) return undefined;
  const from = performance.now();
  const { chunks, opening, pace } = gate.memory;
  const behind = { ...index, chunks: [...chunks] };
  const job = { dir: artifact.dir, index: behind, key, hostOf: () => 0, gate: { opening, pace } };
  const whole = followed(new MemoryFill(job), threads, io).then(() => {
    gate.close();
    io.steps.note('fillBehind', (performance.now() - from) / 1000);
    io.log.info(
      `${gate.words}; of ${chunks.length} chunks ${pace.hurried} could not keep pace, for they were waited for`,
    );
  });
  whole.catch(() => {}); // told where it is waited for
  return { whole, hurry: () => pace.end() };
}

const followed = (fill: MemoryFill, threads: Threads, { steps }: EngineIo): Promise<number> =>
  steps.follow(
    'fill',
    () => fill.bytes,
    () => fill.run(threads),
  );
