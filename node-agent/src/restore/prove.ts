/** Looks at what nsrestore says that it restored, while it still stands still, and gives the receipt its proof. */
import { readFileSync, writeFileSync } from 'node:fs';
import { explain, TerminalError } from '@dynamo-snapshot/api/errors';
import type { Receipt } from '@dynamo-snapshot/api/receipt';
import type { ProcessFacts } from '@dynamo-snapshot/api/tree';
import type { PodFacts } from '../engine';
import type { ContainerCgroups } from '../linux/cgroup';
import { containerProcesses } from '../linux/cgroup';
import type { HostPid, ProcessRef } from '../linux/ids';
import { hostPid } from '../linux/ids';
import { copyLimits, limitDifferences, limitsOf } from '../linux/limits';
import { parseMountinfo } from '../linux/mountinfo';
import { status } from '../linux/proc';
import type { FoundTree } from '../linux/tree';
import { describeTree } from '../linux/tree';
import type { OpenArtifact } from '../store/directory';
import { addressesOf, movedAddresses } from './images';
import { faultsOf } from './proof';

export interface ProofJob {
  readonly receipt: Receipt;
  readonly artifact: OpenArtifact;
  readonly groups: ContainerCgroups;
  readonly placeholder: ProcessRef;
  readonly pod: PodFacts | undefined;
  /** Checks that the pod did not want. */
  readonly skipped: readonly string[];
}

/** Throws RestoreUnproven with every difference. */
export function prove({ receipt, artifact, groups, placeholder, pod, skipped }: ProofJob): Receipt {
  const { manifest, digest } = artifact;
  if (receipt.artifactDigest !== digest)
    throw new TerminalError('RestoreUnproven', 'the receipt is for another artifact');
  const root = restoredRoot(receipt.restoredPid, groups, placeholder);
  const found = describeTree(root);
  const mountPoints = parseMountinfo(readFileSync(`/proc/${root}/mountinfo`, 'utf8')).map(
    (m) => m.mountPoint,
  );
  const addresses = movedAddresses(
    addressesOf(manifest.container),
    addressesOf({ podIp: pod?.ip, podIps: pod?.ips }),
  );
  const faults = [
    ...strangers(found, groups),
    ...faultsOf(manifest, { tree: found.facts, mountPoints, addresses }),
  ];
  if (faults.length > 0) throw new TerminalError('RestoreUnproven', faults.join('; '));
  const notes = manifest.process.tree.processes.flatMap((p) => giveBack(p, found, artifact, placeholder));
  return { ...receipt, ...proofOf(found, manifest.sizeBytes, notes), skipped: [...skipped] };
}

/** In the placeholder's own cgroup, child of its PID 1, and first in a pid namespace of its own. */
function restoredRoot(pid: number, groups: ContainerCgroups, placeholder: ProcessRef): HostPid {
  const depth = (status(placeholder.pid)?.nsPids.length ?? 1) - 1;
  const root = containerProcesses(groups).find((candidate) => {
    const { nsPids = [], parent } = status(candidate) ?? {};
    return (
      parent === placeholder.pid && nsPids[depth] === pid && nsPids.length > depth + 1 && nsPids.at(-1) === 1
    );
  });
  if (root === undefined)
    throw new TerminalError(
      'RestoreUnproven',
      `no process ${pid} is a child of standby in the placeholder's cgroup`,
    );
  return hostPid(root);
}

function strangers({ refs, facts }: FoundTree, groups: ContainerCgroups): readonly string[] {
  const members = new Set(containerProcesses(groups));
  return refs.flatMap(({ pid }, i) =>
    members.has(pid) ? [] : [`process ${facts.processes[i]?.nsPid} is not in the placeholder's cgroup`],
  );
}

/**
 * What CRIU cannot give without CAP_SYS_RESOURCE, and says nothing about: resource limits, and the OOM score. A process that had the
 * score of its container gets that of its new one; one that had set its own keeps it.
 */
function giveBack(
  dumped: ProcessFacts,
  { facts, refs }: FoundTree,
  { manifest }: OpenArtifact,
  placeholder: ProcessRef,
): readonly string[] {
  const { processes, limits } = manifest.process.tree;
  const pid = refs[facts.processes.findIndex((p) => p.nsPid === dumped.nsPid)]?.pid;
  if (pid === undefined) return [];
  const wanted = limits[dumped.limits] ?? {};
  copyLimits(pid, wanted);
  const inherited = dumped.oomScoreAdj === processes[0]?.oomScoreAdj;
  const score = inherited ? scoreOf(placeholder.pid) : String(dumped.oomScoreAdj);
  const who = `process ${dumped.nsPid} (${dumped.name})`;
  return [...limitDifferences(wanted, limitsOf(pid)), ...giveScore(pid, score)].map(
    (note) => `${who}: ${note}`,
  );
}

const scoreOf = (pid: number): string => readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim();

function giveScore(pid: number, score: string): readonly string[] {
  if (scoreOf(pid) === score) return [];
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, score);
    return [];
  } catch (error) {
    return [`OOM score is ${scoreOf(pid)}, not ${score} (${explain(error)})`];
  }
}

function proofOf({ facts, refs }: FoundTree, bytes: number, notes: readonly string[]) {
  const { processes } = facts;
  const sum = (count: (p: ProcessFacts) => number) => processes.reduce((total, p) => total + count(p), 0);
  return {
    bytes,
    hostPid: refs[0]?.pid ?? 0,
    tree: refs.map(({ pid, startTime }, i) => ({
      hostPid: pid,
      startTime,
      pid: processes[i]?.nsPid ?? 0,
      name: processes[i]?.name ?? '',
    })),
    proof: {
      processes: processes.length,
      threads: sum((p) => p.threads),
      descriptors: sum((p) => p.fds),
      listening: sum((p) => p.listening.length),
      locks: sum((p) => p.locks.length),
    },
    notes: [...notes],
  };
}
