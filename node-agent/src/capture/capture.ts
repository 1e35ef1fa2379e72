/** Captures a container: observe, decide, dump while its files are packed, then digest and publish. Whatever fails, it serves afterwards. */
import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile, volumeTar } from '@dynamo-snapshot/api/layout';
import { reason } from '@dynamo-snapshot/api/names';
import type { TreeFacts } from '@dynamo-snapshot/api/tree';
import { hookFolder } from '../criu/hook';
import type { CriuProgram } from '../criu/program';
import { criuProgram } from '../criu/program';
import type { CaptureRequest, CaptureResult, MountedVolume } from '../engine';
import type { EngineIo } from '../engine-io';
import { packFolder, packRootfs } from '../files/pack';
import { remapPlaces } from '../files/remaps';
import { withGpu } from '../gpu/observe';
import { openPaths, processTree } from '../linux/proc';
import { describeTree } from '../linux/tree';
import { Cri } from '../runtime/cri';
import { threadsFor } from '../memory/decide';
import { withPool } from '../memory/pool';
import { digestFiles } from '../store/digest';
import { beginArtifact, mustLieOn, publish } from '../store/directory';
import type { Protection } from '../store/keys';
import { protectionOf, readKeys } from '../store/keys';
import { readBack } from '../store/read-back';
import { reasonsAgainst } from './decide';
import type { ManifestOf } from './manifest';
import { manifestWriter } from './manifest';
import { dumpWithMemory } from './memory';
import type { Seen } from './observe';
import { observe } from './observe';
import { capturedResult } from './result';
import { stoppable } from './source';
import { tellSource } from './tell-source';
import { refuseTiles } from './tiles';

export async function capture(request: CaptureRequest, io: EngineIo): Promise<CaptureResult> {
  const { steps } = io;
  const seen = await steps.run('observe', () => look(request, io));
  const against = reasonsAgainst(seen, request.pod);
  if (against.length > 0) throw new TerminalError('PreflightFailed', against.join('; '));
  const protection = protectionOf(readKeys(io.config));
  const program = await criuProgram(io.config.criu, io.config.rlimitShim);
  await beginArtifact(request.stagingDir, request.artifactDir, () =>
    io.willUndo({ do: 'remove', path: request.stagingDir }),
  );
  await mustLieOn(request.storeDevice, request.stagingDir);
  const manifestOf = await dumpTree(request, seen, { program, protection }, io);
  return finish(request, seen, io, { manifestOf, protection });
}

async function look(request: CaptureRequest, io: EngineIo): Promise<Seen> {
  const cri = new Cri(io.config.criSocket);
  try {
    const seen = observe(request, await cri.container(request.containerId), io.config);
    return await withGpu(seen, request.pod, io.config.gpu);
  } finally {
    cri.close();
  }
}

/** Everything between the first touch of the source and the moment that it runs again. */
async function dumpTree(
  request: CaptureRequest,
  seen: Seen,
  { program, protection }: { readonly program: CriuProgram; readonly protection: Protection },
  io: EngineIo,
): Promise<ManifestOf> {
  const images = join(request.stagingDir, artifactFile.images);
  mkdirSync(images, { mode: 0o700 });
  mkdirSync(join(request.stagingDir, artifactFile.volumes), { mode: 0o700 });
  const join_: readonly ('uts' | 'ipc')[] = seen.hasSysvShm ? ['uts'] : ['uts', 'ipc'];
  const volumes = seen.volumes.filter((v) => v.kind === 'emptyDir');
  io.willUndo({
    do: 'unlinkRemaps',
    process: seen.root,
    places: remapPlaces(seen.upperDir, volumes),
    since: Date.now(),
  });
  let tree: TreeFacts | undefined;
  const hookDir = hookFolder(io.config.work, request.artifact.uid);
  const budgetSeconds = request.pod?.livenessBudgetSeconds;
  const budget = budgetSeconds === undefined ? {} : { budgetSeconds };
  const plan = { ...planOf(seen), ...budget, program, images, join: join_, hookDir };
  const source = stoppable(request, seen, images, io);
  const memory = await dumpWithMemory(
    {
      dir: request.stagingDir,
      plan,
      processes: seen.processes.map((p) => p.ref.pid),
      gpuBytes: seen.gpu?.usedBytes ?? 0,
      sourceEnds: request.afterCapture === 'Complete' && budgetSeconds === undefined,
      ...(protection.key === undefined ? {} : { key: protection.key }),
      whileFrozen: () => {
        tree = describeTree(seen.root.pid).facts;
        return packFiles(request, seen, volumes, io);
      },
    },
    io,
    source,
  );
  if (tree === undefined)
    throw new TerminalError('DumpFailed', 'criu dump ended without a word to its script');
  refuseTiles(images);
  const { version: criuVersion } = program;
  const { paused, areas } = source;
  return manifestWriter({ request, seen, tree, volumes, join: join_, paused, areas, memory, criuVersion });
}

/** What CRIU must be told of the container. */
const planOf = ({ root, groups, netInode, externalMounts, tty }: Seen) => ({
  pid: root.pid,
  freezer: groups.freezer,
  netInode,
  externalMounts,
  ...(tty === undefined ? {} : { tty }),
});

async function packFiles(
  request: CaptureRequest,
  seen: Seen,
  volumes: readonly MountedVolume[],
  io: EngineIo,
): Promise<void> {
  const from = performance.now();
  const { stagingDir } = request;
  const tarFile = join(stagingDir, artifactFile.rootfsTar);
  const { upperDir = '', mountPoints } = seen;
  const { excludePaths = [] } = request;
  // Now that nothing can be opened any more.
  const inUse = excludePaths.length === 0 ? [] : processTree(seen.root.pid).flatMap(openPaths);
  const index = await packRootfs({ upperDir, mountPoints, tarFile, excludePaths, inUse });
  await writeFile(join(stagingDir, artifactFile.rootfsIndex), JSON.stringify(index));
  for (const [i, volume] of volumes.entries())
    await packFolder({
      root: `/proc/${seen.root.pid}/root`,
      path: volume.mountPath,
      mountPoints: seen.mountPoints,
      tarFile: join(stagingDir, volumeTar(i)),
    });
  io.steps.note('files', (performance.now() - from) / 1000);
}

function finish(
  request: CaptureRequest,
  seen: Seen,
  io: EngineIo,
  { manifestOf, protection }: { readonly manifestOf: ManifestOf; readonly protection: Protection },
): Promise<CaptureResult> {
  const { stagingDir, artifactDir: finalDir, afterCapture } = request;
  const { key, signing, encryption } = protection;
  return withPool(threadsFor(io.config.threads, availableParallelism()), async (pool) => {
    const files = await io.steps.run('digest', () => digestFiles(stagingDir, key, pool));
    const manifest = { ...manifestOf([...files]), ...(encryption === undefined ? {} : { encryption }) };
    const artifactDigest = await io.steps.runToEnd('publish', () => {
      io.willUndo({ do: 'publish', path: finalDir });
      return publish({ stagingDir, finalDir, manifest, ...(signing && { key: signing }) }, io.signal);
    });
    await io.steps.run('read back', async () => {
      const { faults } = await readBack(finalDir, artifactDigest, readKeys(io.config), pool);
      if (faults.length > 0) throw new TerminalError(reason.artifactUnverified, faults.join('; '));
    });
    if (afterCapture === 'Complete') tellSource(seen.root.pid, io.log);
    return capturedResult(manifest, artifactDigest, io.steps.total());
  });
}
