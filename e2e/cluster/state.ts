import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { STATE_ROOT, stateDir } from './instance';
import type { Instance, MemberName } from './instance';
import type { ProcessId } from './process';

/** What the tool must remember between two runs. */
export interface State extends Instance {
  /** The kernel's boot id: process numbers of another boot mean nothing. */
  readonly bootId: string;
  /** Which version of the tool and of the programs started it; another one means down and up. */
  readonly tool: string;
  /** Whether all members, links and routes were made: if not, the start was cut off and is begun anew. */
  readonly built: boolean;
  readonly members: Partial<Readonly<Record<MemberName, MemberState>>>;
}

export interface MemberState {
  /** PID 1 of the member's own PID namespace, as the machine numbers it. Its end is the end of the member. */
  readonly init: ProcessId;
  /** Daemon name -> the nsenter process that waits for it. */
  readonly daemons: Readonly<Record<string, ProcessId>>;
}

const stateFile = (name: string): string => join(stateDir(name), 'state.json');

export async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

/** The state of a cluster; undefined if there is none or it cannot be read. */
export async function readState(name: string): Promise<State | undefined> {
  const text = await readFile(stateFile(name), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : parseState(text);
}

/** Members of another boot are dropped: whatever has their numbers now is somebody else's. */
export function ofThisBoot(state: State, boot: string): State {
  return state.bootId === boot ? state : { ...state, bootId: boot, members: {} };
}

export function parseState(text: string): State | undefined {
  try {
    const value = JSON.parse(text) as Partial<State>;
    const complete =
      typeof value.name === 'string' && Number.isInteger(value.index) && typeof value.bootId === 'string';
    return complete ? ({ tool: '', built: false, members: {}, ...value } as State) : undefined;
  } catch {
    return undefined; // cut off by a crash of the machine: the same as none
  }
}

export async function writeState(state: State): Promise<void> {
  await mkdir(stateDir(state.name), { recursive: true, mode: 0o755 });
  const temporary = `${stateFile(state.name)}.tmp`;
  await writeFile(temporary, JSON.stringify(state, undefined, 2));
  await rename(temporary, stateFile(state.name));
}

export async function instanceNames(): Promise<readonly string[]> {
  const entries = await readdir(STATE_ROOT, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
