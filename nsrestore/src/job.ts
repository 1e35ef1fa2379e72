/** What nsrestore is asked to do, from its command line; pure. */
import { parseArgs } from 'node:util';
import { TerminalError } from '@dynamo-snapshot/api/errors';

export interface Job {
  readonly artifact: string;
  /** sha256:<hex> of manifest.json. */
  readonly digest: string;
  /** CRIU's images, as they are for this clone. */
  readonly images: string;
  /** Where the placeholder's mount tree is attached. */
  readonly root: string;
  readonly work: string;
  readonly criu: string;
  /** CRIU puts itself into these before it starts, so that the restored tree is the placeholder's. */
  readonly cgroupProcs: readonly string[];
  /** Then it enters this namespace. */
  readonly cgroupNs: string;
  readonly fds: {
    readonly net: number;
    readonly stdin: number;
    readonly stdout: number;
    readonly stderr: number;
    /** The file behind memory that is filled while its process runs. */
    readonly gate?: number;
  };
  readonly oomScoreAdj: string;
  readonly deadlineMs: number;
}

/** parseArgs takes `-997` for an option; `--name=-997` is what it wants. */
function withNegatives(argv: readonly string[]): string[] {
  return argv.flatMap((arg, i) => {
    const next = argv[i + 1];
    if (arg.startsWith('--') && next !== undefined && /^-\d+$/.test(next)) return [`${arg}=${next}`];
    return /^-\d+$/.test(arg) && argv[i - 1]?.startsWith('--') ? [] : [arg];
  });
}

const text = { type: 'string' } as const;

const options = {
  artifact: text,
  digest: text,
  images: text,
  root: text,
  work: text,
  criu: text,
  'cgroup-procs': { type: 'string', multiple: true },
  'cgroup-ns': text,
  'net-fd': text,
  'stdin-fd': text,
  'stdout-fd': text,
  'stderr-fd': text,
  'gate-fd': text,
  'oom-score-adj': text,
  'deadline-seconds': text,
} as const;

export function jobOf(argv: readonly string[]): Job {
  const { values } = parseArgs({ args: withNegatives(argv), options });
  const required = (name: Exclude<keyof typeof values, 'cgroup-procs'>): string => {
    const value = values[name];
    if (value === undefined) throw new TerminalError('InvalidArguments', `--${name} is missing`);
    return value;
  };
  const number = (name: Exclude<keyof typeof values, 'cgroup-procs'>): number => {
    const written = required(name);
    const value = Number(written);
    if (!/^-?\d+$/.test(written)) throw new TerminalError('InvalidArguments', `--${name} is not a number`);
    return value;
  };
  return {
    artifact: required('artifact'),
    digest: required('digest'),
    images: required('images'),
    root: required('root'),
    work: required('work'),
    criu: required('criu'),
    cgroupProcs: values['cgroup-procs'] ?? [],
    cgroupNs: required('cgroup-ns'),
    fds: {
      net: number('net-fd'),
      stdin: number('stdin-fd'),
      stdout: number('stdout-fd'),
      stderr: number('stderr-fd'),
      ...(values['gate-fd'] === undefined ? {} : { gate: number('gate-fd') }),
    },
    oomScoreAdj: String(number('oom-score-adj')),
    deadlineMs: number('deadline-seconds') * 1000,
  };
}
