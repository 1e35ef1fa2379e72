/** Whether what was restored is what was dumped: every difference at once; pure. */
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import type { ProcessFacts, TreeFacts } from '@dynamo-snapshot/api/tree';

export interface Restored {
  readonly tree: TreeFacts;
  /** Of the restored root. */
  readonly mountPoints: readonly string[];
  /** Address of the source's pod -> of the clone's. */
  readonly addresses: ReadonlyMap<string, string>;
}

/** Differences that make it another thing than what was dumped. */
export function faultsOf(manifest: Manifest, restored: Restored): readonly string[] {
  const { tree } = manifest.process;
  const found = new Map(restored.tree.processes.map((p) => [p.nsPid, p]));
  const dumped = new Set(tree.processes.map((p) => p.nsPid));
  const mounted = new Set(restored.mountPoints);
  const moved = addressChange(restored.addresses);
  return [
    ...tree.processes.flatMap((p) => processFaults(p, found.get(p.nsPid), moved)),
    ...restored.tree.processes
      .filter((p) => !dumped.has(p.nsPid))
      .map((p) => `process ${p.nsPid} (${p.name}) was not dumped`),
    ...['/', '/proc', ...manifest.dump.externalMounts]
      .filter((path) => !mounted.has(path))
      .map((path) => `nothing is mounted at ${path}`),
  ];
}

type Moved = (address: string) => string;

/** Sockets at the source's pod IP are at the clone's. */
function addressChange(addresses: ReadonlyMap<string, string>): Moved {
  const written = (ip: string) => (ip.includes(':') ? ` [${ip}]:` : ` ${ip}:`);
  return (address) =>
    [...addresses].reduce(
      (text, [from, to]) => (text.startsWith('tcp') ? text.replace(written(from), written(to)) : text),
      address,
    );
}

function processFaults(
  dumped: ProcessFacts,
  found: ProcessFacts | undefined,
  moved: Moved,
): readonly string[] {
  const who = `process ${dumped.nsPid} (${dumped.name})`;
  if (found === undefined) return [`${who} is missing`];
  const counts = (['name', 'parent', 'threads', 'fds'] as const)
    .filter((what) => dumped[what] !== found[what])
    .map((what) => `${who}: ${what} is ${found[what]}, not ${dumped[what]}`);
  return [
    ...counts,
    ...missing(dumped.listening.map(moved), found.listening).map(
      (what) => `${who} does not listen on ${what}`,
    ),
    ...missing(dumped.locks, found.locks).map((what) => `${who} lacks the lock ${what}`),
  ];
}

const missing = (wanted: readonly string[], found: readonly string[]): readonly string[] =>
  wanted.filter((what) => !found.includes(what));
