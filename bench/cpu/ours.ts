/** Capture and restore with the engine's own parts, on processes instead of a container. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { GATE_FILE } from '@dynamo-snapshot/api/gate';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { MANIFEST_VERSION } from '@dynamo-snapshot/api/manifest';
import { logger } from '@dynamo-snapshot/controller/log';
import { dumpWithMemory } from '@dynamo-snapshot/node-agent/capture/memory';
import { engineConfig } from '@dynamo-snapshot/node-agent/config';
import { criuProgram } from '@dynamo-snapshot/node-agent/criu/program';
import { frozenSeconds } from '@dynamo-snapshot/node-agent/criu/stats';
import type { EngineIo } from '@dynamo-snapshot/node-agent/engine-io';
import { Steps } from '@dynamo-snapshot/node-agent/engine-io';
import { command } from '@dynamo-snapshot/node-agent/linux/command';
import { behind, Gate } from '@dynamo-snapshot/node-agent/gate/gate';
import type { DriverArea } from '@dynamo-snapshot/node-agent/gate/plan';
import type { HostPid } from '@dynamo-snapshot/node-agent/linux/ids';
import { hostPid } from '@dynamo-snapshot/node-agent/linux/ids';
import { hugeBytesFree, inode, processTree, status } from '@dynamo-snapshot/node-agent/linux/proc';
import type { StagingChoice } from '@dynamo-snapshot/node-agent/memory/decide';
import { withPool } from '@dynamo-snapshot/node-agent/memory/pool';
import { check, layOut } from '@dynamo-snapshot/node-agent/restore/check';
import { editsOfAdvice } from '@dynamo-snapshot/node-agent/restore/images';
import { fillBehind, fillTree } from '@dynamo-snapshot/node-agent/restore/fill';
import { digestFiles } from '@dynamo-snapshot/node-agent/store/digest';
import { beginArtifact, openArtifact, publish } from '@dynamo-snapshot/node-agent/store/directory';
import { readKeys } from '@dynamo-snapshot/node-agent/store/keys';
import type { Captured, Restored, Side } from './side';

export class Ours implements Side {
  readonly name = 'dynamo-snapshot';
  readonly #dir: string;
  readonly #criu: string;
  readonly #shim: string;
  readonly #staging: StagingChoice;

  /** Areas of the tree that are put behind a gate, as if a driver had mapped them. */
  areas: readonly DriverArea[] = [];

  constructor(dir: string, criu: string, shim: string, staging: StagingChoice = 'auto') {
    this.#dir = dir;
    this.#criu = criu;
    this.#shim = shim;
    this.#staging = staging;
  }

  get #final(): string {
    return join(this.#dir, 'ours/artifact');
  }

  async capture(root: HostPid, freezer: string): Promise<Captured> {
    const stagingDir = join(this.#dir, 'ours/.staging');
    rmSync(join(this.#dir, 'ours'), { recursive: true, force: true });
    const io = this.#io();
    const from = performance.now();
    await beginArtifact(stagingDir, this.#final);
    const images = join(stagingDir, artifactFile.images);
    mkdirSync(images);
    let frozen = 0;
    const plan = {
      ...{ program: await criuProgram(this.#criu, this.#shim), images, pid: root, freezer, join: [] },
      ...{ netInode: inode(`/proc/${root}/ns/net`) ?? 0, externalMounts: [] },
      hookDir: join(this.#dir, 'hook-0'),
    };
    const whileFrozen = () => Promise.resolve();
    const job = {
      dir: stagingDir,
      plan,
      processes: processTree(root),
      gpuBytes: 0,
      sourceEnds: false,
      whileFrozen,
    };
    const memory = await dumpWithMemory(job, io, {
      ready: () => Promise.resolve(),
      stop: () => Promise.resolve(),
      spentSeconds: () => 0,
      resume: () => {
        frozen = frozenSeconds(readFileSync(join(images, 'stats-dump'))) ?? 0;
        return Promise.resolve();
      },
    });
    if (memory.pages === 'criu') throw new Error(`CRIU wrote the pages: ${memory.why}`);
    const files = await withPool(availableParallelism(), (pool) => digestFiles(stagingDir, undefined, pool));
    const manifest = manifestOf([...files], memory, this.areas);
    await publish({ stagingDir, finalDir: this.#final, manifest }, io.signal);
    return {
      pausedSeconds: frozen,
      seconds: (performance.now() - from) / 1000,
      bytes: memory.bulkBytes + memory.thinBytes,
      steps: io.steps.total(),
    };
  }

  /** `whileShut` is called with the running tree before what is behind a gate is filled in. */
  async restore(whileShut?: (root: HostPid) => Promise<void>): Promise<Restored> {
    const io = this.#io();
    const from = performance.now();
    const view = join('/dev/shm', `dynamo-snapshot-bench-${process.pid}`);
    try {
      return await withPool(availableParallelism(), async (pool) => {
        const artifact = await openArtifact(this.#final);
        const checked = await io.steps.run('verify', () => check(artifact, readKeys(io.config), pool, io));
        const { faults } = checked.verified;
        if (faults.length > 0) throw new TerminalError('RestoreRefused', faults.join('; '));
        const gate = Gate.make(checked, this.#dir, io);
        const edits = editsOfAdvice(checked.verified, false, hugeBytesFree());
        layOut(checked, behind(gate, checked, edits), view);
        const pidFile = join(this.#dir, 'ours/pid');
        rmSync(pidFile, { force: true });
        const argv = restoreArgs(this.#criu, join(view, artifactFile.images), this.#dir, pidFile);
        const criu = await io.steps.run('criu', () =>
          command([...argv, '--leave-stopped', ...gateArgs(gate)], {
            env: this.#env(),
            ...(gate && { fds: [gate.fd], afterSpawn: () => gate.serve() }),
          }),
        );
        if (criu.code !== 0) throw new Error(`criu restore: exit ${criu.code}: ${criu.stderr}`);
        const root = hostPid(readFileSync(pidFile, 'utf8').trim());
        const hosts = new Map(processTree(root).map((pid) => [status(pid)?.nsPids.at(-1) ?? 0, pid]));
        await io.steps.run('fill', () => fillTree(checked, hosts, pool, io, gate));
        for (const pid of [...processTree(root)].reverse()) process.kill(pid, 'SIGCONT');
        await whileShut?.(root);
        const filling = fillBehind(gate, checked, pool, io);
        if (whileShut === undefined) filling?.hurry();
        await filling?.whole;
        gate?.close();
        return { root, seconds: (performance.now() - from) / 1000, steps: io.steps.total() };
      });
    } finally {
      rmSync(view, { recursive: true, force: true });
    }
  }

  #env(): Readonly<Record<string, string>> {
    return { PATH: process.env['PATH'] ?? '', SNAPSHOT_RLIMIT_PRELOAD: this.#shim };
  }

  #io(): EngineIo {
    const { signal } = new AbortController();
    return {
      config: {
        ...engineConfig(process.env),
        ...{ criu: this.#criu, rlimitShim: this.#shim, work: this.#dir, staging: this.#staging },
      },
      log: logger('warn', 'bench'),
      deadline: Date.now() + 3_600_000,
      signal,
      willUndo: () => {},
      steps: new Steps(() => {}, signal),
    };
  }
}

/** As nsrestore has it, without what belongs to a container. */
export const restoreArgs = (
  criu: string,
  images: string,
  work: string,
  pidFile: string,
): readonly string[] => [
  ...[criu, 'restore', '--no-default-config', '--images-dir', images, '--work-dir', work],
  ...['--log-file', 'restore.log', '-v2', '--restore-detached', '--pidfile', pidFile],
  ...['--manage-cgroups=ignore', '--tcp-close', '--file-locks', '--link-remap', '--force-irmap'],
];

const gateArgs = (gate: Gate | undefined): readonly string[] =>
  gate === undefined ? [] : ['--lazy-pages', '--inherit-fd', `fd[3]:${GATE_FILE}`];

const cudaOf = (areas: readonly DriverArea[]): Pick<Manifest, 'cuda'> =>
  areas.length === 0
    ? {}
    : {
        cuda: {
          ...{ driver: '', processes: [1], bytes: 0, areas: [...areas] },
          gpus: [{ uuid: '', model: '', memoryBytes: 0, usedBytes: 0 }],
        },
      };

const manifestOf = (files: Manifest['files'], memory: object, areas: readonly DriverArea[]): Manifest => ({
  version: MANIFEST_VERSION,
  createdAt: new Date().toISOString(),
  artifact: { namespace: 'bench', identityHash: '0'.repeat(16), uid: '0' },
  source: { nodeName: '', architecture: '', kernel: '', criuVersion: '' },
  container: { id: '', name: '', podName: '', podUid: '', image: '', imageDigest: '', command: [] },
  process: { count: 2, stdio: ['', '', ''], memoryBytes: 0, tree: { processes: [], limits: [] } },
  dump: { externalMounts: [], joinedNamespaces: [], pausedSeconds: 0, pages: 'split', ...memory },
  ...cudaOf(areas),
  volumes: [],
  files,
  sizeBytes: 0,
});
