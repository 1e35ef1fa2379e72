import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { whilePrefaulting } from '../../src/cuda/prefault';
import { cudaStop } from '../../src/cuda/stop';
import type { EngineIo } from '../../src/engine-io';
import type { ProcessRef } from '../../src/linux/ids';
import { isAlive, ownBytes, processRef } from '../../src/linux/proc';
import { comesTrue } from '../../src/linux/wait';
import { Pool } from '../../src/memory/pool';
import { Stage } from './stage';

jest.setTimeout(60_000);

const MIB = 2 ** 20;
const SIZE = 128;
const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;

interface Mapper {
  readonly ref: ProcessRef;
  readonly child: ChildProcess;
  line(): Promise<string | undefined>;
  /** Maps; returns when it has said so. */
  map(): Promise<void>;
}

describeAsRoot('memory that appears while the driver works', () => {
  const built = mkdtempSync(join(tmpdir(), 'mapper-'));
  let stage: Stage;
  let pool: Pool;
  let children: ChildProcess[] = [];

  beforeAll(() => {
    execFileSync('gcc', ['-O1', '-Wall', '-o', join(built, 'mapper'), 'node-agent/test/cuda/mapper.c']);
    pool = new Pool(2);
  });
  beforeEach(() => (stage = new Stage()));
  afterEach(async () => {
    await Promise.all(children.map(end));
    children = [];
    stage.close();
  });
  afterAll(async () => {
    await pool.close();
    rmSync(built, { recursive: true });
  });

  async function end(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async function start(kind: string, mib = SIZE): Promise<Mapper> {
    const child = spawn(join(built, 'mapper'), [String(mib), kind], { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const line = async () => (await lines.next()).value as string | undefined;
    expect(await line()).toBe('ready');
    const ref = processRef(child.pid ?? 0);
    if (ref === undefined) throw new Error('the program does not start');
    const map = async () => {
      child.kill('SIGUSR1');
      expect(await line()).toBe('mapped');
    };
    return { ref, child, line, map };
  }

  const tree = (mappers: readonly Mapper[], mib = 4 * SIZE) => ({
    processes: mappers.map(({ ref }) => ref),
    bytes: mib * MIB,
    driver: '580.159.04',
  });
  const warnings: string[] = [];
  function listening(): EngineIo {
    warnings.length = 0;
    const io = stage.io;
    const log = Object.assign(Object.create(io.log) as EngineIo['log'], {
      warn: (text: string) => void warnings.push(text),
    });
    return { ...io, log };
  }
  const until = async (what: () => boolean) => expect(await comesTrue(what, 20_000)).toBe(true);
  const isThere =
    ({ ref }: Mapper, mib = SIZE) =>
    () =>
      ownBytes(ref.pid) > (mib - 8) * MIB;

  it.each([
    ['small', 'written'],
    ['huge', 'huge'],
  ])('of %s pages is there ahead of the driver, and holds what the driver wrote', async (_, kind) => {
    const mapper = await start(kind, 2 * SIZE);
    const io = listening();
    const done = await whilePrefaulting(tree([mapper]), pool, io, async () => {
      await mapper.map();
      expect(await mapper.line()).toBe('half');
      await until(isThere(mapper, 2 * SIZE));
      mapper.child.stdin?.write('go on\n');
      return mapper.line();
    });
    expect(done).toBe('exact');
    expect(io.steps.total().map(({ step }) => step)).toContain('prefault');
    expect(warnings).toEqual([]);
  });

  it.each([
    ['was there before', 'known', SIZE],
    ['several processes may use', 'shared', SIZE],
    ['nobody may use yet', 'none', SIZE],
    ['comes in small parts', 'few', SIZE],
    ['is more than the driver needs', 'plain', 10 * SIZE],
  ])('is left alone where it %s', async (_, kind, mib) => {
    const [other, mapper] = [await start(kind, mib), await start('written')];
    await whilePrefaulting(tree([other, mapper]), pool, stage.io, async () => {
      await other.map();
      await mapper.map();
      // When this one is there, the other one has been looked at.
      await until(isThere(mapper));
    });
    expect(ownBytes(other.ref.pid)).toBeLessThan(2 * MIB);
  });

  it('is no more in all than the driver needs', async () => {
    const mappers = [await start('plain'), await start('plain'), await start('plain')];
    const touched = () => mappers.filter((mapper) => isThere(mapper)()).length;
    await whilePrefaulting(tree(mappers, 2.5 * SIZE), pool, stage.io, async () => {
      for (const mapper of mappers) await mapper.map();
      await until(() => touched() >= 2);
      await delay(100);
    });
    expect(touched()).toBe(2);
  });

  it('is left alone where nobody knows how much the driver needs', async () => {
    const mapper = await start('plain');
    await whilePrefaulting(tree([mapper], 0), pool, stage.io, async () => {
      await mapper.map();
      await delay(100);
    });
    expect(ownBytes(mapper.ref.pid)).toBeLessThan(2 * MIB);
  });

  it('may go again while it is touched', async () => {
    const mapper = await start('gone');
    mapper.child.kill('SIGUSR1');
    await whilePrefaulting(tree([mapper]), pool, listening(), async () => {
      for (let i = 0; i < 30; i++) expect(await mapper.line()).toBe('gone');
    });
    expect(isAlive(mapper.ref)).toBe(true);
    expect(warnings).toEqual([]);
  });

  it('may go with its process', async () => {
    const [mapper, other] = [await start('plain', 4 * SIZE), await start('written')];
    const io = listening();
    const done = await whilePrefaulting(tree([mapper, other], 8 * SIZE), pool, io, async () => {
      await mapper.map();
      await end(mapper.child);
      await other.map();
      await until(isThere(other));
      return 'done';
    });
    expect(done).toBe('done');
    expect(warnings).toEqual([]);
  });

  it('is not touched any more when the call is over', async () => {
    const mib = 16 * SIZE;
    const mapper = await start('plain', mib);
    await whilePrefaulting(tree([mapper], mib), pool, stage.io, async () => {
      await mapper.map();
      await until(isThere(mapper, 16));
    });
    const then = ownBytes(mapper.ref.pid);
    expect(then).toBeLessThan((mib - 8) * MIB);
    await delay(100);
    expect(ownBytes(mapper.ref.pid)).toBe(then);
  });

  it('does not matter to a call that fails', async () => {
    const failing = () => Promise.reject(new Error('error 801'));
    const mapper = await start('plain');
    await expect(whilePrefaulting(tree([mapper]), pool, stage.io, failing)).rejects.toThrow('error 801');
  });

  it('is told where it cannot be touched, and the call goes on', async () => {
    const ended = new Pool(1);
    await ended.close();
    const mapper = await start('plain');
    await whilePrefaulting(tree([mapper]), ended, listening(), async () => {
      await mapper.map();
      await until(() => ownBytes(mapper.ref.pid) > 0);
      await delay(100);
    });
    expect(warnings).toEqual([
      expect.stringMatching(/^touch the memory that the driver maps: a thread ended/),
    ]);
  });

  describe('in a capture', () => {
    const SIGUSR1 = 10;
    afterEach(() => delete process.env['SNAPSHOT_GPU_PREFAULT']);

    /** What the process has when the driver, which maps and then does nothing, has waited for that. */
    async function capturing(threads: Pool | undefined, wait: (mapper: Mapper) => Promise<void>) {
      const mapper = await start('plain');
      stage.write(String(mapper.ref.pid), '0');
      stage.will('signal-checkpoint', SIGUSR1);
      stage.will('hang-checkpoint');
      const stopping = cudaStop(tree([mapper]), stage.io, { threads });
      expect(await mapper.line()).toBe('mapped');
      await wait(mapper);
      stage.wont('hang-checkpoint');
      await (await stopping).resume();
      expect(stage.state(mapper.ref)).toBe('running');
      return ownBytes(mapper.ref.pid);
    }

    it('it is there ahead of the driver', async () => {
      const bytes = await capturing(pool, (mapper) => until(isThere(mapper)));
      expect(bytes).toBeGreaterThan((SIZE - 8) * MIB);
    });

    it('it is left alone where no threads are free for it', async () => {
      expect(await capturing(undefined, () => delay(100))).toBeLessThan(2 * MIB);
    });

    it('it is left alone where this is switched off', async () => {
      process.env['SNAPSHOT_GPU_PREFAULT'] = 'false';
      expect(await capturing(pool, () => delay(100))).toBeLessThan(2 * MIB);
    });
  });
});
