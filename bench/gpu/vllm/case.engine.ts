import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ensureCriu } from '../../cpu/criu';
import { buildPrograms } from '../programs';
import type { RoundsResult } from '../rounds';
import type { CaseResult } from '../run';

const dir = mkdtempSync(join(tmpdir(), 'bench-vllm-'));
const at = (...path: readonly string[]) => join(dir, ...path);
const groups = existsSync('/sys/fs/cgroup/unified') ? '/sys/fs/cgroup/unified' : '/sys/fs/cgroup';
const group = join(groups, `dynamo-bench-vllm-${process.pid}`);

beforeAll(async () => {
  for (const name of ['home', 'cuda', 'images/model-tiny']) mkdirSync(at(name), { recursive: true });
  await buildPrograms(at('home'));
  const library = (source: string, out: string) =>
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', at(out), source]);
  library('node-agent/test/cuda/libcuda.c', 'libcuda.so');
  library('node-agent/test/gpu/libnvml.c', 'libnvml.so');
  library('node-agent/native/rlimit-shim.c', 'shim.so');
  writeFileSync(at('enabled'), 'always [madvise] never\n');
  // A restored process has the driver's state of when it was dumped, which is in a file of that pretended driver.
  const checkpointed = `for state in ${at('cuda')}/[0-9]*; do echo 2 > "$state"; done`;
  const criu = ['#!/bin/sh', `[ "$1" != restore ] || ${checkpointed}`, `exec ${ensureCriu()} "$@"`];
  writeFileSync(at('criu'), `${criu.join('\n')}\n`, { mode: 0o755 });
  mkdirSync(group);
});
afterAll(() => {
  for (const name of ['vllm-tiny', '']) if (existsSync(join(group, name))) rmdirSync(join(group, name));
  rmSync(dir, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const environment = (port: number) => ({
  ...process.env,
  NODE_PATH: resolve('node_modules'),
  BENCH_HOME: at('home'),
  BENCH_OUT: at('out'),
  BENCH_WORK: at('work'),
  BENCH_IMAGES: at('images'),
  BENCH_CGROUP: group,
  BENCH_VLLM_PROGRAM: `python3 ${resolve('bench/gpu/vllm/fake_server.py')}`,
  BENCH_VLLM_ROUNDS: '2',
  BENCH_VLLM_PORT: String(port),
  FAKE_CUDA: at('cuda'),
  FAKE_NVML: at('cuda'),
  SNAPSHOT_LIBCUDA: at('libcuda.so'),
  SNAPSHOT_NVML: at('libnvml.so'),
  SNAPSHOT_NVIDIA_SMI: at('no-nvidia-smi'),
  SNAPSHOT_ENGINE: at('home/engine.cjs'),
  SNAPSHOT_HUGE_PAGES_SETTING: at('enabled'),
  SNAPSHOT_CRIU: at('criu'),
  SNAPSHOT_RLIMIT_SHIM: at('shim.so'),
  SNAPSHOT_WORK: at('engine'),
});

it('captures and restores a server by both paths, turn about, and compares its tokens', async () => {
  // Semaphores have their names in the machine's shared memory; those of others are not ours to see.
  const alone = 'mount -t tmpfs none /dev/shm && exec "$@"';
  const bench = [process.execPath, at('home/bench.cjs'), 'run', 'vllm-tiny'];
  const printed = execFileSync('unshare', ['--mount', 'sh', '-c', alone, 'alone', ...bench], {
    encoding: 'utf8',
    env: environment(await freePort()),
  });
  const results = JSON.parse(readFileSync(at('out/results.json'), 'utf8')) as readonly CaseResult[];
  const { cycles, faults, coldSeconds, coldEmptySeconds } = results[0]?.result as RoundsResult;
  expect({ printed, faults }).toMatchObject({ faults: [] });
  expect(cycles.map(({ path, round, same }) => [path, round, same])).toEqual([
    ['stock', 1, true],
    ['ours', 1, true],
    ['stock', 2, true],
    ['ours', 2, true],
  ]);
  expect(Math.min(coldSeconds, coldEmptySeconds ?? 0)).toBeGreaterThan(0);
  for (const { restore } of cycles)
    expect(restore.map(({ step }) => step)).toEqual(expect.arrayContaining(['criu', 'gpuRestore', 'tokens']));
  expect(printed).toMatch(/\| vllm-tiny \|.*\| ours \| 2 \| \d+\.\d \(nothing compiled: /);
});
