import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeAllBack, takeBack } from '../../src/journal/undo';
import type { ProcessRef } from '../../src/linux/ids';
import { containerId, hostPid } from '../../src/linux/ids';
import { processRef, status } from '../../src/linux/proc';
import { until } from '../assignment/stage';

const UID = '11111111-2222-3333-4444-555555555555';

let dir: string;
let children: ChildProcess[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'undo-'));
  children = [];
});
afterEach(async () => {
  await Promise.all(children.map((child) => child.kill('SIGKILL') && once(child, 'close')));
  rmSync(dir, { recursive: true });
});

/** A shell that runs the script, and says on stdout what it does. */
async function shell(script: string): Promise<{ readonly ref: ProcessRef; readonly child: ChildProcess }> {
  const child = spawn('sh', ['-c', `echo ready; ${script}`], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  if (child.stdout === null) throw new Error('no stdout');
  await once(child.stdout, 'data');
  const ref = processRef(hostPid(child.pid));
  if (ref === undefined) throw new Error('the child is gone');
  return { ref, child };
}

const stateOf = (pid: number) => status(pid)?.state;

describe('takeBack', () => {
  it.each(['.staging-u', 'restore-u'])('removes the folder %s, and may do so again', async (name) => {
    const path = join(dir, name);
    mkdirSync(join(path, 'criu'), { recursive: true });
    await takeBack({ do: 'remove', path });
    await takeBack({ do: 'remove', path });
    expect(existsSync(path)).toBe(false);
  });

  it.each(['u', '.staging-u/..', '.staging-u/criu', ''])('removes nothing at %j', async (name) => {
    mkdirSync(join(dir, 'u'), { recursive: true });
    mkdirSync(join(dir, '.staging-u', 'criu'), { recursive: true });
    await expect(takeBack({ do: 'remove', path: `${dir}/${name}` })).rejects.toThrow('no staging folder');
    expect(readdirSync(dir).sort()).toEqual(['.staging-u', 'u']);
  });

  it('removes an artifact that was published and cannot be finished, and no other folder', async () => {
    mkdirSync(join(dir, UID, 'criu'), { recursive: true });
    await takeBack({ do: 'publish', path: join(dir, UID) });
    await takeBack({ do: 'publish', path: join(dir, UID) });
    expect(readdirSync(dir)).toEqual([]);
    await expect(takeBack({ do: 'publish', path: dir })).rejects.toThrow('no artifact');
    const vanished = takeBack({ do: 'publish', path: join(dir, 'gone', UID) });
    await expect(vanished).rejects.toThrow('is not there');
  });

  it('removes the folder of a hook, and no other one', async () => {
    mkdirSync(join(dir, `hook-${UID}`));
    await takeBack({ do: 'endDump', hook: join(dir, `hook-${UID}`) });
    expect(readdirSync(dir)).toEqual([]);
    await expect(takeBack({ do: 'endDump', hook: dir })).rejects.toThrow('no folder of a hook');
  });

  it('thaws, and finds nothing to do where the container is gone', async () => {
    writeFileSync(join(dir, 'cgroup.freeze'), '1');
    await takeBack({ do: 'thaw', freezer: dir });
    await takeBack({ do: 'thaw', freezer: join(dir, 'gone') });
    expect(readFileSync(join(dir, 'cgroup.freeze'), 'utf8')).toBe('0');
    expect(existsSync(join(dir, 'gone'))).toBe(false);
  });

  it('kills nothing where the placeholder is gone', async () => {
    const kill = jest.spyOn(process, 'kill').mockImplementation(() => true);
    writeFileSync(join(dir, 'cgroup.procs'), '2000000001\n');
    await takeBack({
      do: 'killRestored',
      id: containerId('0123456789abcdef'.repeat(4)),
      dirs: [dir],
      freezer: dir,
      placeholder: { pid: hostPid(2_000_000_000), startTime: '1' },
    });
    expect(kill).not.toHaveBeenCalled();
    kill.mockRestore();
  });

  it('continues the very process that was stopped, and no other one with its number', async () => {
    const { ref, child } = await shell('kill -STOP $$; echo resumed; read x');
    await until(() => stateOf(ref.pid) === 'T');
    await takeBack({ do: 'continue', processes: [{ ...ref, startTime: '1' }] });
    expect(stateOf(ref.pid)).toBe('T');
    const resumed = once(child.stdout as NonNullable<typeof child.stdout>, 'data');
    await takeBack({ do: 'continue', processes: [ref] });
    expect(String(await resumed)).toBe('resumed\n');
  });

  it('continues what a process has forked since it was written down', async () => {
    const { ref } = await shell('read go; sh -c "kill -STOP \\$\\$; exec sleep 60" & wait');
    const step = { do: 'continue', processes: [ref] } as const;
    children[0]?.stdin?.write('go\n');
    const stopped = () =>
      readdirSync(`/proc/${ref.pid}/task`)
        .flatMap(() => childrenOf(ref.pid))
        .filter((p) => stateOf(p) === 'T');
    await until(() => stopped().length === 1);
    const [forked = 0] = stopped();
    await takeBack(step);
    await until(() => stateOf(forked) === 'S');
    process.kill(forked, 'SIGKILL');
  });

  it('takes everything back, the last first, whatever fails', async () => {
    mkdirSync(join(dir, '.staging-u'));
    const left = await takeAllBack([
      { do: 'remove', path: join(dir, '.staging-u') },
      { do: 'remove', path: '/etc' },
      { do: 'endDump', hook: '/etc' },
    ]);
    expect(left.map(({ step }) => step)).toEqual(['endDump', 'remove']);
    expect(readdirSync(dir)).toEqual([]);
  });
});

const childrenOf = (pid: number): readonly number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
