/** Fills the restored tree from the shards; an artifact whose pages CRIU wrote needs nothing. */
import type { EngineIo } from '../engine-io';
import type { HostPid } from '../linux/ids';
import { MemoryFill } from '../memory/fill';
import { totalBytes } from '../memory/catalog';
import type { Pool, Threads } from '../memory/pool';
import { readersFor } from '../memory/this-thread';
import type { Checked } from './check';

/** Who fills; a pool is started by then, or with the first task. */
export const fillers = ({ verified: { index } }: Checked, pool: Pool): Threads =>
  readersFor(index === undefined ? 0 : totalBytes(index), pool);

/** `hosts` has the restored processes by their pid in their own namespace. */
export async function fillTree(
  { artifact, verified, key }: Checked,
  hosts: ReadonlyMap<number, HostPid>,
  threads: Threads,
  io: EngineIo,
): Promise<void> {
  if (verified.index === undefined) return;
  const fill = new MemoryFill(artifact.dir, verified.index, threads, key);
  await io.steps.follow(
    'fill',
    () => fill.bytes,
    () => fill.run(hosts),
  );
}
