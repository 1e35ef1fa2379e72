/** manifest.json of an artifact: written last, so an artifact that has one is whole; it names every file with size and digest. */
import type { FromSchema } from 'json-schema-to-ts';
import { hooksSchema } from './hooks';
import { tcpPolicies } from './schema';
import { treeSchema } from './tree';

export const MANIFEST_VERSION = 2;

/** Files are digested in parts of so many bytes. */
export const DIGEST_CHUNK_BYTES = 4 << 20;

const text = { type: 'string' } as const;
const size = { type: 'integer', minimum: 0 } as const;
const digest = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const;
const base64 = { type: 'string', pattern: '^[A-Za-z0-9+/]+=*$' } as const;

export const gpuSchema = {
  type: 'object',
  required: ['model', 'count', 'driver'],
  properties: {
    model: text,
    count: { type: 'integer', minimum: 1 },
    driver: text,
    freeBytes: { ...size, description: 'The least that one of them has free.' },
  },
} as const;

export type GpuFacts = FromSchema<typeof gpuSchema>;

export const manifestSchema = {
  type: 'object',
  additionalProperties: false,
  required: [
    'version',
    'createdAt',
    'artifact',
    'source',
    'container',
    'process',
    'dump',
    'volumes',
    'files',
    'sizeBytes',
  ],
  properties: {
    version: { const: MANIFEST_VERSION },
    createdAt: text,
    artifact: {
      type: 'object',
      additionalProperties: false,
      required: ['namespace', 'identityHash', 'uid'],
      properties: { namespace: text, identityHash: text, uid: text, checkpoint: text },
    },
    /** Facts of the machine that a restore compares. */
    source: {
      type: 'object',
      required: ['nodeName', 'architecture', 'kernel', 'criuVersion'],
      properties: {
        nodeName: text,
        architecture: text,
        kernel: text,
        criuVersion: text,
        cpuModel: text,
        /** What programs could use of the processor, as the kernel names it. */
        cpuFeatures: { type: 'array', items: text },
        gpu: gpuSchema,
      },
    },
    container: {
      type: 'object',
      required: ['id', 'name', 'podName', 'podUid', 'image', 'imageDigest', 'command'],
      properties: {
        id: text,
        name: text,
        podName: text,
        podUid: text,
        podIp: text,
        /** All of them, where the pod has one of each family. */
        podIps: { type: 'array', items: text },
        image: text,
        imageDigest: text,
        /** argv of the source's PID 1, for a cold start and for people. */
        command: { type: 'array', items: text },
        hostname: text,
      },
    },
    process: {
      type: 'object',
      required: ['count', 'stdio', 'memoryBytes', 'tree'],
      properties: {
        /** Tasks (not threads) in the tree. */
        count: { type: 'integer', minimum: 1 },
        /** readlink of fd 0, 1, 2 of the root, e.g. "pipe:[123]" or "/dev/null". */
        stdio: { type: 'array', items: text, minItems: 3, maxItems: 3 },
        /** rdev and dev of fd 0 where it is a terminal, as CRIU's tty key wants them. */
        tty: { type: 'string' },
        memoryBytes: size,
        /** What a restore must bring back, as it was while the source stood still. */
        tree: treeSchema,
      },
    },
    dump: {
      type: 'object',
      required: ['externalMounts', 'joinedNamespaces', 'pausedSeconds', 'pages'],
      properties: {
        /** Mount points that the placeholder must have, in the dump's order; compare as a set. */
        externalMounts: { type: 'array', items: text },
        /** Namespaces besides net that the dump saw as its own and that the restore takes from the placeholder. */
        joinedNamespaces: { type: 'array', items: { enum: ['uts', 'ipc'] } },
        /** How long the source stood still. */
        pausedSeconds: { type: 'number', minimum: 0 },
        /** What a worker that is restored from it is asked first; absent: it is not asleep, or the checkpoint says. */
        wake: hooksSchema,
        /** Absent = close. */
        tcp: { enum: tcpPolicies },
        /** `split`: bulk memory is in shards and CRIU's images have the rest; `criu`: all of it is in CRIU's images. */
        pages: { enum: ['split', 'criu'] },
        /** Why CRIU wrote the pages. */
        why: text,
        bulkBytes: size,
        thinBytes: size,
        /** Left out: pages of zeros. */
        zeroBytes: size,
      },
    },
    /** What the processes had on GPUs, which is in their memory now; absent where they had nothing. */
    cuda: {
      type: 'object',
      additionalProperties: false,
      required: ['driver', 'processes', 'gpus', 'bytes'],
      properties: {
        driver: text,
        /** Holders of CUDA state, by their pid in their own namespace; parents first. */
        processes: { type: 'array', minItems: 1, items: { type: 'integer', minimum: 1 } },
        gpus: {
          type: 'array',
          minItems: 1,
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['uuid', 'model', 'memoryBytes', 'usedBytes'],
            properties: { uuid: text, model: text, memoryBytes: size, usedBytes: size },
          },
        },
        bytes: size,
        /** Memory that the driver mapped in its checkpoint, for what was on the GPUs; its restore reads it, and unmaps it. */
        areas: {
          type: 'array',
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['pid', 'start', 'end'],
            properties: {
              /** In the tree's own pid namespace. */
              pid: { type: 'integer', minimum: 1 },
              start: size,
              end: size,
            },
          },
        },
      },
    },
    volumes: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'mountPath', 'file'],
        properties: { name: text, mountPath: text, file: text },
      },
    },
    files: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['path', 'sizeBytes', 'digests'],
        properties: {
          path: text,
          sizeBytes: size,
          /** BLAKE3 of each part. */
          digests: { type: 'array', items: digest },
          /** AES-GCM tag of each part, where the artifact is encrypted. */
          tags: { type: 'array', items: base64 },
        },
      },
    },
    /** Absent: nothing is encrypted. */
    encryption: {
      type: 'object',
      additionalProperties: false,
      required: ['cipher', 'keyId', 'wrappedKey'],
      properties: { cipher: { const: 'aes-256-gcm' }, keyId: text, wrappedKey: base64 },
    },
    sizeBytes: size,
  },
} as const;

export type Manifest = FromSchema<typeof manifestSchema>;
export type ManifestFile = Manifest['files'][number];

/** Index beside rootfs.tar: what a tar cannot say. Paths are relative to the root, without a leading slash. */
export const rootfsIndexSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['deleted', 'opaque', 'entries'],
  properties: {
    deleted: { type: 'array', items: text },
    opaque: { type: 'array', items: text },
    /** Folders that were left out (spec.capture.excludePaths). */
    excluded: { type: 'array', items: text },
    entries: size,
  },
} as const;

export type RootfsIndex = FromSchema<typeof rootfsIndexSchema>;
