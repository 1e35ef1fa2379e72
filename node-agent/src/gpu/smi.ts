/** The node's GPUs as `nvidia-smi` prints them: the last resort, where NVML cannot be loaded. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../linux/command';
import type { Device, GpuNode } from './device';

const DEADLINE_MS = 30_000;
const MIB = 1 << 20;
const FORMAT = '--format=csv,noheader,nounits';
const GPU_QUERY = '--query-gpu=index,uuid,name,driver_version,memory.total,memory.free,mig.mode.current';
const APP_QUERY = '--query-compute-apps=gpu_uuid,pid,used_gpu_memory';

export async function smiDevices(program: string): Promise<GpuNode> {
  const [gpus, apps] = await Promise.all([GPU_QUERY, APP_QUERY].map((query) => ask(program, query)));
  return smiNode(gpus ?? '', apps ?? '', minorNumbers());
}

async function ask(program: string, query: string): Promise<string> {
  const { code, stdout, stderr } = await command([program, query, FORMAT], { deadlineMs: DEADLINE_MS });
  if (code !== 0) throw new Error(`${program}: exit ${code}: ${stderr.trim() || stdout.trim()}`);
  return stdout;
}

const rows = (csv: string): readonly (readonly string[])[] =>
  csv
    .split('\n')
    .filter((line) => line.includes(','))
    .map((line) => line.split(',').map((cell) => cell.trim()));

/** N of /dev/nvidiaN by UUID; where the driver's files do not tell, the index stands in. */
export function smiNode(gpus: string, apps: string, minors: ReadonlyMap<string, number>): GpuNode {
  const lines = rows(gpus);
  const used = rows(apps).map(([uuid, pid, mib]) => ({ uuid, pid: Number(pid), mib: Number(mib) }));
  const devices = lines.map(([index, uuid = '', model = '', , total, free, mig]): Device => ({
    index: Number(index),
    uuid,
    model,
    minor: minors.get(uuid) ?? Number(index),
    memoryBytes: Number(total) * MIB,
    freeBytes: Number(free) * MIB,
    mig: mig === 'Enabled',
    processes: used
      .filter((app) => app.uuid === uuid)
      .map(({ pid, mib }) => ({ pid, ...(Number.isFinite(mib) ? { usedBytes: mib * MIB } : {}) })),
  }));
  return { driver: lines[0]?.[3] ?? '', devices };
}

const DRIVER_FILES = '/proc/driver/nvidia/gpus';

function minorNumbers(): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const name of names(DRIVER_FILES)) {
    const text = readFileSync(join(DRIVER_FILES, name, 'information'), 'utf8');
    const uuid = /^GPU UUID:\s*(\S+)/m.exec(text)?.[1];
    const minor = /^Device Minor:\s*(\d+)/m.exec(text)?.[1];
    if (uuid !== undefined && minor !== undefined) found.set(uuid, Number(minor));
  }
  return found;
}

function names(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
