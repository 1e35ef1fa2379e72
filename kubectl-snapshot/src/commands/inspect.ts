/** `inspect CHECKPOINT|DIR`: what is in an artifact. */
import { humanBytes, humanSeconds } from '@dynamo-snapshot/api/quantity';
import type { Timing } from '@dynamo-snapshot/api/schema';
import type { Colors } from 'picocolors/types';
import type { Artifact } from '../artifact/open';
import { isPath, openArtifact } from '../artifact/open';
import { exitCode } from '../exit';
import type { Mount } from '../images/mounts';
import { mounts } from '../images/mounts';
import type { Process } from '../images/processes';
import { flat, processTree } from '../images/processes';
import type { DumpStats } from '../images/stats';
import { dumpStats } from '../images/stats';
import { shown } from '../output/format';
import { table } from '../output/table';
import type { Branch } from '../output/tree';
import { treeLines } from '../output/tree';
import type { AddCommand, Session } from '../session';

const parts = ['files', 'sockets', 'mounts', 'memory', 'timings'] as const;
type Part = (typeof parts)[number];
type InspectOptions = Partial<Record<Part | 'all', boolean>>;

export const addInspect: AddCommand = (program, run) => {
  program
    .command('inspect')
    .argument(
      '<checkpoint>',
      'name of a checkpoint, or a path (with a slash) to an artifact or a folder of CRIU images',
    )
    .description('show what is in a checkpoint: processes, files, sockets, mounts, memory, timings')
    .option('--files', 'open files of each process')
    .option('--sockets', 'sockets of each process')
    .option('--mounts', 'mounts of the container')
    .option('--memory', 'memory of each process by mapping')
    .option('--timings', 'where the time of the capture went')
    .option('-a, --all', 'all of that')
    .addHelpText('after', '\n-o json and -o yaml always have everything.')
    .action(function (this, name: string, options: InspectOptions) {
      return run(this, (session) => inspect(session, name, options));
    });
};

export interface Contents {
  readonly name: string;
  readonly digest?: string;
  readonly manifest?: Artifact['manifest'];
  readonly processes: readonly Process[];
  readonly mounts: readonly Mount[];
  readonly criu?: DumpStats;
  readonly timings: readonly Timing[];
}

export function contentsOf(artifact: Artifact, timings: readonly Timing[]): Contents {
  const criu = dumpStats(artifact.images);
  return {
    name: artifact.name,
    ...(artifact.digest === undefined ? {} : { digest: artifact.digest }),
    ...(artifact.manifest === undefined ? {} : { manifest: artifact.manifest }),
    processes: processTree(artifact.images, artifact.pages),
    mounts: mounts(artifact.images),
    ...(criu === undefined ? {} : { criu }),
    timings,
  };
}

async function inspect(session: Session, name: string, options: InspectOptions): Promise<number> {
  const artifact = await openArtifact(session, name);
  const timings = isPath(name)
    ? []
    : ((await session.cluster.checkpoint(session.namespace, name)).status?.timings ?? []);
  const contents = contentsOf(artifact, timings);
  const { out } = session.world;
  const wanted = parts.filter((part) => options.all === true || options[part] === true);
  out.write(
    shown(session.format, contents, (wide) => inspectText(contents, wide ? parts : wanted, out.colours)),
  );
  return exitCode.ok;
}

export function inspectText(contents: Contents, wanted: readonly Part[], colours: Colors): string {
  const sections: Readonly<Record<Part, () => string>> = {
    files: () => fileTable(contents),
    sockets: () => socketTable(contents),
    mounts: () => mountTable(contents),
    memory: () => memoryTable(contents),
    timings: () => timingTable(contents),
  };
  const shownParts = wanted.map((part) => `${colours.bold(title(part))}\n${sections[part]()}`);
  const tree = `${colours.bold('Processes')}\n${treeLines(contents.processes.map(branch)).join('\n')}`;
  return [overview(contents), tree, ...shownParts].join('\n\n');
}

const title = (part: Part): string => `${part[0]?.toUpperCase() ?? ''}${part.slice(1)}`;

function overview({ name, digest, manifest, criu }: Contents): string {
  const rows: (readonly [string, string | undefined])[] = [
    ['Name', name],
    ['Digest', digest],
    ['Created', manifest?.createdAt],
    [
      'Container',
      manifest &&
        `${manifest.container.name} of pod ${manifest.artifact.namespace}/${manifest.container.podName}`,
    ],
    ['Image', manifest && `${manifest.container.image} (${manifest.container.imageDigest})`],
    ['Command', manifest?.container.command.join(' ')],
    [
      'Node',
      manifest &&
        `${manifest.source.nodeName}, ${manifest.source.architecture}, Linux ${manifest.source.kernel}`,
    ],
    ['CRIU', manifest?.source.criuVersion],
    ['Size', manifest && `${humanBytes(manifest.sizeBytes)} in ${manifest.files.length} files`],
    ['Memory', manifest && humanBytes(manifest.process.memoryBytes)],
    [
      'Stood still',
      manifest
        ? humanSeconds(manifest.dump.pausedSeconds)
        : criu && humanSeconds(criu.freezingSeconds + criu.frozenSeconds),
    ],
    ['Volumes', manifest?.volumes.map((v) => `${v.name} at ${v.mountPath}`).join(', ')],
  ];
  return rows.flatMap(([what, value]) => (value ? [`${`${what}:`.padEnd(13)}${value}`] : [])).join('\n');
}

function branch(p: Process): Branch {
  const dumped = p.memory.reduce((sum, m) => sum + m.dumpedBytes, 0);
  const threads = p.threads > 1 ? `, ${p.threads} threads` : '';
  const state = p.state === 'alive' ? '' : ` (${p.state})`;
  return {
    text: `[${p.pid}] ${p.name}${state}  ${p.program ?? ''}  ${humanBytes(dumped)}${threads}`,
    branches: p.children.map(branch),
  };
}

const each = <T>(
  { processes }: Contents,
  of: (p: Process) => readonly T[],
  row: (value: T) => readonly string[],
) => flat(processes).flatMap((p) => of(p).map((value) => [String(p.pid), p.name, ...row(value)]));

const fileTable = (contents: Contents): string =>
  table(
    ['PID', 'NAME', 'FD', 'KIND', 'WHAT'],
    each(
      contents,
      (p) => p.files,
      (f) => [String(f.fd), f.kind, f.what],
    ),
  );

const socketTable = (contents: Contents): string =>
  table(
    ['PID', 'NAME', 'FD', 'PROTOCOL', 'STATE', 'LOCAL', 'REMOTE'],
    each(
      contents,
      (p) => p.sockets,
      (s) => [String(s.fd), s.protocol, s.state, s.local, s.remote],
    ),
  );

const mountTable = (contents: Contents): string =>
  table(
    ['MOUNT POINT', 'TYPE', 'SOURCE', 'TAKEN FROM'],
    contents.mounts.map((m) => [m.mountPoint, m.type, m.source, m.external ? 'the new pod' : 'the dump']),
  );

const memoryTable = (contents: Contents): string =>
  table(
    ['PID', 'NAME', 'MAPPING', 'AREAS', 'SIZE', 'IN THE DUMP'],
    each(
      contents,
      (p) => p.memory,
      (m) => [m.name, String(m.areas), humanBytes(m.sizeBytes), humanBytes(m.dumpedBytes)],
    ),
  );

function timingTable({ timings, criu }: Contents): string {
  const ofCriu =
    criu === undefined
      ? []
      : [
          ['criu: freezing', humanSeconds(criu.freezingSeconds)],
          ['criu: frozen', humanSeconds(criu.frozenSeconds)],
          ['criu: memory dump', humanSeconds(criu.memoryDumpSeconds)],
          ['criu: memory write', humanSeconds(criu.memoryWriteSeconds)],
        ];
  return table(['STEP', 'TIME'], [...timings.map((t) => [t.step, humanSeconds(t.seconds)]), ...ofCriu]);
}
