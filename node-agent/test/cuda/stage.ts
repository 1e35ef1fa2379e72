/** A node with a driver that is none: the two small libraries, the real engine as helper, and processes that hold pretended CUDA state. */
import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildSync } from 'esbuild';
import { logger } from '@dynamo-snapshot/controller/log';
import type { EngineConfig } from '../../src/config';
import { engineConfig } from '../../src/config';
import type { EngineIo } from '../../src/engine-io';
import { Steps } from '../../src/engine-io';
import type { ProcessState } from '../../src/cuda/protocol';
import { processStates } from '../../src/cuda/protocol';
import type { UndoStep } from '../../src/journal/step';
import type { ProcessRef } from '../../src/linux/ids';
import { processRef } from '../../src/linux/proc';

/** What the bundle requires at run time lies there. */
const MODULES = resolve('node_modules');

let built: string | undefined;

/** Once for a test file. */
function build(): string {
  if (built !== undefined) return built;
  const dir = mkdtempSync(join(tmpdir(), 'cuda-built-'));
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
  for (const [source, out] of [
    ['node-agent/test/cuda/libcuda.c', 'libcuda.so'],
    ['node-agent/test/gpu/libnvml.c', 'libnvml.so'],
  ] as const)
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-Wall', '-o', join(dir, out), source]);
  buildSync({
    entryPoints: ['node-agent/src/engine-main.ts'],
    outfile: join(dir, 'engine.cjs'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    // As scripts/build.mjs has it.
    external: ['koffi', '@napi-rs/blake-hash'],
    logLevel: 'error',
  });
  return (built = dir);
}

export class Stage {
  readonly dir = mkdtempSync(join(tmpdir(), 'cuda-'));
  readonly undo: UndoStep[] = [];
  readonly steps: string[] = [];
  readonly cancel = new AbortController();
  readonly #children: ChildProcess[] = [];
  readonly #before: Readonly<Record<string, string | undefined>>;

  constructor() {
    const built = build();
    writeFileSync(join(this.dir, 'enabled'), 'always [madvise] never\n');
    const environment = {
      FAKE_CUDA: this.dir,
      FAKE_NVML: this.dir,
      NODE_PATH: MODULES,
      SNAPSHOT_LIBCUDA: join(built, 'libcuda.so'),
      SNAPSHOT_NVML: join(built, 'libnvml.so'),
      SNAPSHOT_NVIDIA_SMI: join(this.dir, 'no-nvidia-smi'),
      SNAPSHOT_ENGINE: join(built, 'engine.cjs'),
      SNAPSHOT_HUGE_PAGES_SETTING: join(this.dir, 'enabled'),
      SNAPSHOT_WORK: this.dir,
    };
    this.#before = Object.fromEntries(Object.keys(environment).map((name) => [name, process.env[name]]));
    Object.assign(process.env, environment);
  }

  get config(): EngineConfig {
    return engineConfig(process.env);
  }

  get io(): EngineIo {
    return {
      config: this.config,
      log: logger('error', 'test'),
      deadline: Date.now() + 60_000,
      signal: this.cancel.signal,
      willUndo: (step) => void this.undo.push(step),
      steps: new Steps(({ step }) => void this.steps.push(step), this.cancel.signal),
    };
  }

  /** A living process; with a state, the driver knows it. */
  process(state?: ProcessState): ProcessRef {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    this.#children.push(child);
    const ref = child.pid === undefined ? undefined : processRef(child.pid);
    if (ref === undefined) throw new Error('sleep does not start');
    if (state !== undefined) this.write(String(ref.pid), String(processStates.indexOf(state)));
    return ref;
  }

  state({ pid }: ProcessRef): ProcessState | undefined {
    return processStates[Number(this.read(String(pid)))];
  }

  /** e.g. will('fail-checkpoint', 801) */
  will(what: string, value = 1): void {
    this.write(what, String(value));
  }

  wont(what: string): void {
    rmSync(join(this.dir, what), { force: true });
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.dir, name), text);
  }

  read(name: string): string {
    const file = join(this.dir, name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** Calls in order, without those that only ask. */
  get calls(): readonly string[] {
    return this.read('calls')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('state'));
  }

  get hugePages(): string | undefined {
    return /\[(\w+)\]/.exec(this.read('enabled'))?.[1] ?? this.read('enabled').trim();
  }

  async end(child: ProcessRef): Promise<void> {
    const known = this.#children.find(({ pid }) => pid === child.pid);
    if (known === undefined) return;
    const gone = once(known, 'exit');
    known.kill('SIGKILL');
    await gone;
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    for (const [name, value] of Object.entries(this.#before))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    rmSync(this.dir, { recursive: true, force: true });
  }
}
