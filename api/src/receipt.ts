/**
 * What nsrestore prints on stdout (one line of JSON) and what an agent puts on the assignment: the proof of a restore. nsrestore
 * says what it did; the agent looks for it in /proc while the tree still stands still, and only then adds `tree` and `proof`.
 */
import type { FromSchema } from 'json-schema-to-ts';

const count = { type: 'integer', format: 'int32', minimum: 0 } as const;

export const receiptSchema = {
  type: 'object',
  description: 'Restore: the proof of it.',
  required: ['artifactDigest', 'restoredPid', 'steps'],
  properties: {
    artifactDigest: { type: 'string', description: 'sha256:<hex> of the manifest that was restored.' },
    restoredPid: {
      type: 'integer',
      format: 'int32',
      minimum: 2,
      description: 'In the pid namespace of standby.',
    },
    hostPid: { type: 'integer', format: 'int32', minimum: 2, description: 'Filled in by the agent.' },
    tree: {
      type: 'array',
      'x-kubernetes-list-type': 'atomic',
      description: 'Every restored process, the root first; filled in by the agent.',
      items: {
        type: 'object',
        required: ['hostPid', 'startTime', 'pid', 'name'],
        properties: {
          hostPid: { type: 'integer', format: 'int32', minimum: 2, description: 'As the node sees it.' },
          startTime: { type: 'string', description: 'Field 22 of /proc/PID/stat.' },
          pid: { type: 'integer', format: 'int32', minimum: 1, description: 'As the worker sees it.' },
          name: { type: 'string', description: 'Command name, /proc/PID/comm.' },
        },
      },
    },
    proof: {
      type: 'object',
      description: 'What was dumped and was found again in the restored tree; filled in by the agent.',
      required: ['processes', 'threads', 'descriptors', 'listening', 'locks'],
      properties: {
        processes: { ...count, minimum: 1, description: 'Zombies left out.' },
        threads: { ...count, minimum: 1, description: 'Of all processes.' },
        descriptors: { ...count, description: 'Open files, pipes and sockets.' },
        listening: { ...count, description: 'TCP and Unix sockets that listen.' },
        locks: { ...count, description: 'File locks that are held.' },
      },
    },
    skipped: {
      type: 'array',
      'x-kubernetes-list-type': 'atomic',
      description: 'Reasons against the restore that nvidia.com/snapshot-skip-compat-check has passed over.',
      items: { type: 'string' },
    },
    notes: {
      type: 'array',
      'x-kubernetes-list-type': 'atomic',
      description:
        'What could not be given back, and does not make it another process: e.g. a resource limit.',
      items: { type: 'string' },
    },
    bytes: {
      type: 'integer',
      format: 'int64',
      minimum: 0,
      description: 'Size of the artifact that was read.',
    },
    filesWritten: {
      type: 'integer',
      format: 'int64',
      minimum: 0,
      description: 'In the root file system and volumes.',
    },
    filesDeleted: {
      type: 'integer',
      format: 'int64',
      minimum: 0,
      description: 'That the image has and the source had deleted.',
    },
    steps: {
      type: 'array',
      description: 'Where the time went inside nsrestore.',
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        required: ['step', 'seconds'],
        properties: {
          step: { type: 'string', description: 'What was done.' },
          seconds: { type: 'number', minimum: 0, description: 'How long it took.' },
        },
      },
    },
  },
} as const;

export type Receipt = FromSchema<typeof receiptSchema>;

/** Undefined where the receipt proves that this artifact was restored; else what it lacks. */
export function unproven(receipt: Receipt | undefined, artifactDigest: string): string | undefined {
  if (receipt === undefined) return 'there is no receipt';
  const { tree = [], proof, hostPid } = receipt;
  if (receipt.artifactDigest !== artifactDigest)
    return `the receipt is for artifact ${receipt.artifactDigest}`;
  if (proof === undefined || tree.length === 0) return 'no agent has looked at the restored tree';
  if (proof.processes !== tree.length) return `${tree.length} of ${proof.processes} processes are named`;
  if (hostPid === undefined || tree[0]?.hostPid !== hostPid)
    return 'the root of the restored tree is not named';
  return undefined;
}
