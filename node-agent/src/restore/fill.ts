/** Fills the restored tree from the shards; an artifact whose pages CRIU wrote needs nothing. */
import type { EngineIo } from '../engine-io';
import type { HostPid } from '../linux/ids';
import { MemoryFill } from '../memory/fill';
import type { Pool } from '../memory/pool';
import type { Checked } from './check';

/** `hosts` has the restored processes by their pid in their own namespace. */
export async function fillTree(
  { artifact, verified, key }: Checked,
  hosts: ReadonlyMap<number, HostPid>,
  pool: Pool,
  io: EngineIo,
): Promise<void> {
  if (verified.index === undefined) return;
  const fill = new MemoryFill(artifact.dir, verified.index, pool, key);
  await io.steps.follow(
    'fill',
    () => fill.bytes,
    () => fill.run(hosts),
  );
}
