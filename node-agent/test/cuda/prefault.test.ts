import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { whilePrefaulting } from '../../src/cuda/prefault';
import { standsStill } from '../../src/linux/cgroup';
import type { ProcessRef } from '../../src/linux/ids';
import { ownBytes, processRef } from '../../src/linux/proc';
import { Pool } from '../../src/memory/pool';
import { Stage } from './stage';

jest.setTimeout(60_000);

const ROOT = existsSync('/sys/fs/cgroup/unified') ? '/sys/fs/cgroup/unified' : '/sys/fs/cgroup';
const describeWithFreezer =
  process.getuid?.() === 0 && existsSync(join(ROOT, 'cgroup.procs')) ? describe : describe.skip;
const MIB = 2 ** 20;

describeWithFreezer('memory that appears while the driver works', () => {
  const freezer = join(ROOT, `prefault-${process.pid}`);
  let stage: Stage;
  let pool: Pool;
  let child: ChildProcess;
  let ref: ProcessRef;

  beforeAll(() => {
    mkdirSync(freezer);
    pool = new Pool(2);
  });
  beforeEach(() => (stage = new Stage()));
  afterEach(async () => {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    stage.close();
  });
  afterAll(async () => {
    await pool.close();
    rmdirSync(freezer);
  });

  async function start(mib: number): Promise<void> {
    const program = join(stage.dir, 'mapper');
    execFileSync('gcc', ['-O1', '-Wall', '-o', program, 'node-agent/test/cuda/mapper.c']);
    child = spawn(program, [String(mib)], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (child.stdout !== null) await once(child.stdout, 'data');
    const found = processRef(child.pid ?? 0);
    if (found === undefined) throw new Error('the program does not start');
    ref = found;
    writeFileSync(join(freezer, 'cgroup.procs'), String(ref.pid));
  }

  /** As the driver: maps, and returns when `until` says so. */
  const call = (until: () => boolean) => async () => {
    process.kill(ref.pid, 'SIGUSR1');
    for (let i = 0; i < 400 && !until(); i++) await delay(10);
    return 'done';
  };
  const touched = (bytes: number) => () => ownBytes(ref.pid) >= bytes && !standsStill(freezer);

  it('is touched, and its process goes on', async () => {
    await start(300);
    const done = await whilePrefaulting([ref], { freezer, pool }, stage.io, call(touched(290 * MIB)));
    expect(done).toBe('done');
    expect(ownBytes(ref.pid)).toBeGreaterThan(290 * MIB);
    expect(standsStill(freezer)).toBe(false);
    expect(stage.undo).toContainEqual({ do: 'thaw', freezer });
  });

  it('is left alone where it is little', async () => {
    await start(200);
    const begun = performance.now();
    await whilePrefaulting(
      [ref],
      { freezer, pool },
      stage.io,
      call(() => performance.now() - begun > 200),
    );
    expect(ownBytes(ref.pid)).toBeLessThan(MIB);
    expect(stage.undo).toEqual([]);
  });

  it('does not matter to a call that fails', async () => {
    await start(300);
    const failing = () => Promise.reject(new Error('error 801'));
    await expect(whilePrefaulting([ref], { freezer, pool }, stage.io, failing)).rejects.toThrow('error 801');
  });

  it('is not touched where nothing can be frozen, and the call goes on', async () => {
    await start(300);
    const nowhere = join(freezer, 'none');
    const begun = performance.now();
    const calling = call(() => performance.now() - begun > 200);
    expect(await whilePrefaulting([ref], { freezer: nowhere, pool }, stage.io, calling)).toBe('done');
    expect(ownBytes(ref.pid)).toBeLessThan(MIB);
  });
});
