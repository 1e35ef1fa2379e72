/** In what two artifacts differ; pure. */
import { createHash } from 'node:crypto';
import type { Manifest, ManifestFile } from '@dynamo-snapshot/api/manifest';
import { humanBytes } from '@dynamo-snapshot/api/quantity';
import { mounts } from '../images/mounts';
import type { Process } from '../images/processes';
import { flat, processTree } from '../images/processes';
import type { Artifact } from './open';

export interface Difference {
  readonly part:
    'source' | 'container' | 'processes' | 'sockets' | 'memory' | 'mounts' | 'root files' | 'files';
  readonly what: string;
  /** Empty where it is not there. */
  readonly a: string;
  readonly b: string;
}

type Facts = ReadonlyMap<string, string>;

export function differences(a: Artifact, b: Artifact): readonly Difference[] {
  const [left, right] = [factsOf(a), factsOf(b)];
  return left.flatMap(([part, facts], i) => compare(part, facts, right[i]?.[1] ?? new Map<string, string>()));
}

function compare(part: Difference['part'], a: Facts, b: Facts): readonly Difference[] {
  const keys = [...new Set([...a.keys(), ...b.keys()])].sort();
  return keys
    .map((what) => ({ part, what, a: a.get(what) ?? '', b: b.get(what) ?? '' }))
    .filter((d) => d.a !== d.b);
}

function factsOf({
  manifest,
  images,
  rootfs,
  pages,
}: Artifact): readonly (readonly [Difference['part'], Facts])[] {
  const processes = flat(processTree(images, pages));
  return [
    ['source', fields(manifest?.source)],
    ['container', container(manifest)],
    [
      'processes',
      new Map(
        processes.map((p) => [
          String(p.pid),
          `${p.name} ${p.program ?? ''}, ${p.files.length} open files, ${p.threads} threads`,
        ]),
      ),
    ],
    [
      'sockets',
      new Map(
        processes.flatMap((p) =>
          p.sockets.map((s) => [`${p.pid} ${s.protocol} ${s.local} ${s.remote}`, s.state] as const),
        ),
      ),
    ],
    ['memory', memory(processes)],
    [
      'mounts',
      new Map(mounts(images).map((m) => [m.mountPoint, `${m.type} ${m.external ? 'of the pod' : m.source}`])),
    ],
    ['root files', new Map((rootfs?.deleted ?? []).map((path) => [path, 'deleted']))],
    [
      'files',
      new Map((manifest?.files ?? []).map((f) => [f.path, `${humanBytes(f.sizeBytes)} ${contentOf(f)}`])),
    ],
  ];
}

/** Short, for people; equal for equal content. */
const contentOf = ({ digests }: ManifestFile): string =>
  createHash('sha256').update(digests.join()).digest('hex').slice(0, 12);

const fields = (facts: object = {}): Facts =>
  new Map(Object.entries(facts).map(([key, value]) => [key, String(value)]));

const container = (manifest: Manifest | undefined): Facts =>
  manifest === undefined
    ? new Map()
    : fields({
        ...manifest.container,
        command: manifest.container.command.join(' '),
        memory: humanBytes(manifest.process.memoryBytes),
      });

/** What lies in the dump, by mapping, of all processes together. */
function memory(processes: readonly Process[]): Facts {
  const sums = new Map<string, number>();
  for (const { name, dumpedBytes } of processes.flatMap((p) => p.memory))
    sums.set(name, (sums.get(name) ?? 0) + dumpedBytes);
  return new Map([...sums].map(([name, bytes]) => [name, humanBytes(bytes)]));
}
