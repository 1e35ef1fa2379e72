import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { STATE_ROOT, checkName } from './instance';
import { identify, isRunning } from './process';
import type { ProcessId } from './process';

/** Does the work while no other process of this tool touches the cluster of that name; refuses if one does. */
export async function exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
  await mkdir(STATE_ROOT, { recursive: true });
  const file = join(STATE_ROOT, `${checkName(name)}.lock`);
  const self = await identify(process.pid);
  await acquire(file, JSON.stringify(self), name);
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function acquire(file: string, text: string, name: string): Promise<void> {
  const create = (): Promise<boolean> =>
    writeFile(file, text, { flag: 'wx' }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
        return false;
      },
    );
  if (await create()) return;
  const holder = parseHolder(await readFile(file, 'utf8').catch(() => ''));
  if (await isRunning(holder))
    throw new Error(`process ${holder?.pid} is working on the cluster "${name}" already`);
  await rm(file, { force: true });
  if (!(await create())) throw new Error(`another process took the cluster "${name}" first`);
}

function parseHolder(text: string): ProcessId | undefined {
  try {
    return (JSON.parse(text) ?? undefined) as ProcessId | undefined;
  } catch {
    return undefined;
  }
}
