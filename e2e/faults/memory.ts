/** Memory of one container, through the group that its limit is in (version 1, or unified). */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { becomes } from './lab';
import type { FaultNode } from './node';
import { processesOf } from './node';

const v1 = { limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes', none: '-1' } as const;
const v2 = { limit: 'memory.max', usage: 'memory.current', none: 'max' } as const;

function memoryOf(node: FaultNode, id: string) {
  const found = [
    { group: node.containerGroup(id, 'memory'), files: v1 },
    { group: node.containerGroup(id, 'unified'), files: v2 },
  ].find(({ group, files }) => group !== undefined && existsSync(join(group, files.limit)));
  if (found?.group === undefined) throw new Error(`container ${id.slice(0, 12)} has no memory group`);
  return { group: found.group, files: found.files };
}

const HEADROOM_BYTES = 16 << 20;

/** So little that nothing can be restored there. */
export function limitMemory(node: FaultNode, id: string): () => void {
  const { group, files } = memoryOf(node, id);
  const before = readFileSync(join(group, files.limit), 'utf8').trim();
  const usage = Number(readFileSync(join(group, files.usage), 'utf8'));
  writeFileSync(join(group, files.limit), String(usage + HEADROOM_BYTES));
  return () => {
    if (existsSync(group))
      writeFileSync(join(group, files.limit), before.startsWith('9223') ? files.none : before);
  };
}

/** Another process of the group takes all that is left; the kernel is told to end the container's own first. */
export async function eatMemory(node: FaultNode, id: string): Promise<void> {
  const { group, files } = memoryOf(node, id);
  const victims = await processesOf(group);
  for (const { pid } of victims) writeFileSync(`/proc/${pid}/oom_score_adj`, '1000');
  const usage = Number(readFileSync(join(group, files.usage), 'utf8'));
  writeFileSync(join(group, files.limit), String(usage + HEADROOM_BYTES));
  const relative = group.replace(/^.*\/ds-[^/]+\//, '');
  const script = `echo 0 > "/sys/fs/cgroup/$1/cgroup.procs" && exec timeout 20 tail /dev/zero`;
  const hierarchy = group.split('/')[4] ?? '';
  void node.run(['sh', '-c', script, 'eat', `${hierarchy}/${relative}`]).catch(() => undefined);
  const gone = async () => (await processesOf(group)).every(({ pid }) => victims.every((v) => v.pid !== pid));
  if (!(await becomes(gone, 30))) throw new Error('the source was not killed for lack of memory');
}
