/** Restores an artifact into a placeholder: verify, private view of its files, nsrestore, proof, and the word to standby. */
import { mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { controlFile } from '@dynamo-snapshot/api/control';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import type { Receipt } from '@dynamo-snapshot/api/receipt';
import type { EngineConfig } from '../config';
import type { CriuCall } from '../criu/program';
import { criuCall, withPreload } from '../criu/program';
import { Gate } from '../gate/gate';
import type { RestoreRequest, RestoreResult } from '../engine';
import type { EngineIo } from '../engine-io';
import { remainingMs } from '../engine-io';
import type { GpusHere } from '../gpu/decide';
import { restoreReasons } from '../gpu/decide';
import { gpuContainer } from '../gpu/discover';
import { gpusHere, returnGpus } from '../gpu/return';
import { remapPlaces } from '../files/remaps';
import type { UndoStep } from '../journal/step';
import type { ProcessRef } from '../linux/ids';
import { parseMountinfo, upperDir } from '../linux/mountinfo';
import { processRef } from '../linux/proc';
import type { HookTarget } from '../quiesce/run';
import { wake } from '../quiesce/run';
import { threadsFor } from '../memory/decide';
import type { Pool } from '../memory/pool';
import { withPool } from '../memory/pool';
import { removeControlFile } from '../runtime/control';
import { openArtifact } from '../store/directory';
import { readKeys } from '../store/keys';
import type { Checked } from './check';
import { check } from './check';
import { judge } from './decide';
import { fillBehind, fillers, fillTree } from './fill';
import type { Restored } from './hand-over';
import { drawSeed, goOn, handOver } from './hand-over';
import { runNsrestore } from './nsrestore';
import { observePlace } from './observe';
import type { Target } from './placeholder';
import { claim, observeTarget } from './placeholder';
import { prove } from './prove';
import { leastStack, mayUseTiles } from './tiles';
import { restoredProcesses } from './tree';

/** standby falls back by itself so long after the deadline: by then whoever restored it is dead. */
const CLAIM_MARGIN_SECONDS = 30;

export const restore = (request: RestoreRequest, io: EngineIo): Promise<RestoreResult> =>
  withPool(
    threadsFor(io.config.threads, availableParallelism()),
    (pool) => restoreWith(pool, request, io),
    'later',
  );

async function restoreWith(pool: Pool, request: RestoreRequest, io: EngineIo): Promise<RestoreResult> {
  const keys = readKeys(io.config);
  const program = criuCall(io.config.criu, io.config.rlimitShim);
  const [target, artifact] = await io.steps.run('observe', () =>
    Promise.all([
      observeTarget(request.containerId, io.config),
      openArtifact(request.artifactDir, request.artifactDigest, keys),
    ]),
  );
  await claim(target.placeholder, remainingMs(io) / 1000 + CLAIM_MARGIN_SECONDS);
  const { groups, placeholder } = target;
  const { cuda } = artifact.manifest;
  // The driver needs a fifth of a second to tell of itself.
  const asked = io.steps.run('gpus', () => gpusHere(cuda, gpuContainer(placeholder.pid, request.pod), io));
  asked.catch(() => {}); // told below
  const checked = await io.steps.run('verify', () => check(artifact, keys, pool, io));
  const gpus = await asked;
  const skipped = verify(request, target, checked, gpus);
  const work = join(io.config.work, `restore-${groups.id}`);
  io.willUndo({ do: 'remove', path: work });
  io.willUndo(remapsOf(placeholder, artifact.manifest, io.config));
  io.willUndo({ do: 'killRestored', id: groups.id, dirs: groups.dirs, freezer: groups.freezer, placeholder });
  removeControlFile(placeholder.pid, controlFile.restoreComplete);
  mkdirSync(work, { recursive: true, mode: 0o700 });
  const gate = Gate.make(checked, work, io);
  const needs = { work, pod: request.pod, pool, gate };
  const receipt = await io.steps.runToEnd('restore', () =>
    runNsrestore(checked, target, { ...withTiles(program, checked, io), ...needs }, io),
  );
  const threads = fillers(checked, pool, gate);
  await io.steps.run('fill', () =>
    fillTree(checked, restoredProcesses(groups, placeholder), threads, io, gate),
  );
  const behindGate = fillBehind(gate, checked, threads, io);
  const proven = await io.steps.run('prove', () =>
    prove({ receipt, artifact, groups, placeholder, skipped, pod: request.pod }),
  );
  const seed = drawSeed();
  if (cuda !== undefined) goOn(request, { receipt: proven, placeholder: placeholder.pid, seed });
  await returnGpus(cuda, gpus, proven, io, behindGate);
  await io.steps.runToEnd('adopt', () => adopt(request, { receipt: proven, seed }, target, io));
  const hooks = wakeTarget(request, proven, io);
  if (hooks !== undefined) await io.steps.runToEnd('wake', () => wake(hooks, io.signal));
  return { operation: 'Restore', receipt: proven, timings: io.steps.total() };
}

/** They come with the other files; without CRIU nobody takes them away again. */
function remapsOf(placeholder: ProcessRef, { volumes }: Manifest, { hostRoot }: EngineConfig): UndoStep {
  const layer = upperDir(parseMountinfo(readFileSync(`/proc/${placeholder.pid}/mountinfo`, 'utf8')));
  const places = remapPlaces(layer === undefined ? undefined : hostRoot + layer, volumes);
  return { do: 'unlinkRemaps', process: placeholder, places, since: Date.now() };
}

/** Once this is written down, whoever comes after us tells standby instead of ending the tree. */
function adopt(
  request: RestoreRequest,
  { receipt, seed }: Pick<Restored, 'receipt' | 'seed'>,
  { placeholder }: Target,
  io: EngineIo,
): void {
  const root = receipt.hostPid === undefined ? undefined : processRef(receipt.hostPid);
  if (root === undefined || processRef(placeholder.pid)?.startTime !== placeholder.startTime)
    throw new TerminalError('ContainerGone', 'the placeholder ended while it was restored');
  const hooks = wakeTarget(request, receipt, io);
  io.willUndo({ do: 'handOver', placeholder, root, receipt, seed, ...(hooks ? { wake: hooks } : {}) });
  handOver(request, { receipt, placeholder: placeholder.pid, seed });
}

/** The hooks are called before anybody hears that the pod is restored. */
function wakeTarget(
  { hooks, containerId, pod }: RestoreRequest,
  { hostPid: pid }: Receipt,
  { config }: EngineIo,
): HookTarget | undefined {
  const process = pid === undefined ? undefined : processRef(pid);
  if (process === undefined || !hooks?.after?.length) return undefined;
  const { criSocket } = config;
  return { hooks: hooks.after, process, containerId, criSocket, ...(pod?.ip ? { podIp: pod.ip } : {}) };
}

/** Throws RestoreRefused with every reason; no process exists yet. Returns what was passed over because the pod asked for it. */
function verify(
  request: RestoreRequest,
  { facts, placeholder, groups }: Target,
  { artifact, verified }: Checked,
  gpus: GpusHere | undefined,
): readonly string[] {
  const { manifest } = artifact;
  const place = observePlace(manifest, facts, placeholder, groups);
  const { reasons, skipped } = judge(manifest, place, request.skipCompatCheck ?? false);
  const { namespace, identityHash, uid } = manifest.artifact;
  const asked = request.artifact;
  const same = namespace === asked.namespace && identityHash === asked.identityHash && uid === asked.uid;
  const all = [
    ...(same ? [] : [`the artifact says that it is ${namespace}/${identityHash}/${uid}`]),
    ...verified.faults,
    ...reasons,
    ...restoreReasons(manifest.cuda, gpus, request.skipCompatCheck ?? false),
  ];
  if (all.length > 0) throw new TerminalError('RestoreRefused', all.join('; '));
  return skipped;
}

function withTiles(
  program: CriuCall,
  { artifact: { manifest }, verified }: Checked,
  { config }: EngineIo,
): CriuCall {
  const { cpuFeatures = [] } = manifest.source;
  const least = leastStack(readFileSync('/proc/self/auxv'));
  const may = mayUseTiles({ cpuFeatures, images: verified.content }, least);
  return may ? withPreload(program, [config.tileShim]) : program;
}
