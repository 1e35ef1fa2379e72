import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { CHART, objects, only } from './helm';

const ADR = 'docs/adr/0035-what-the-agent-may-do.md';

interface Row {
  readonly grant: string;
  readonly file: string;
  readonly code: string;
}

/** | grant | `file`: `code` | what for | */
const rows: readonly Row[] = readFileSync(ADR, 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, grant, file, code] = /^\| (.+?) \| `([^`]+)`: `([^`]+)` \|/.exec(line) ?? [];
    return grant === undefined || file === undefined || code === undefined ? [] : [{ grant, file, code }];
  });

describe('the table of what the agent may do', () => {
  it.each(rows.map((row) => [row.grant, row] as const))(
    'names code for %s that is there',
    (_, { file, code }) => {
      expect(readFileSync(file, 'utf8')).toContain(code);
    },
  );

  it('names every capability of the chart, and no other', () => {
    const { daemonset } = parse(readFileSync(`${CHART}/values.yaml`, 'utf8')) as {
      daemonset: { capabilities: string[] };
    };
    const named = rows.flatMap(({ grant }) => grant.match(/\b[A-Z]+(_[A-Z]+)*\b/g) ?? []);
    const capabilities = named.filter(
      (name) => name === name.toUpperCase() && !['CRI', 'PID'].includes(name),
    );
    expect(capabilities.sort()).toEqual([...daemonset.capabilities].sort());
  });

  it('names every path of the host that the chart mounts', () => {
    const { volumes } = only(objects(), 'DaemonSet')['spec'].template.spec;
    const paths = volumes.filter((volume: object) => 'hostPath' in volume);
    expect(rows.filter(({ grant }) => /cgroup|overlayfs|socket|folder/.test(grant))).toHaveLength(
      paths.length,
    );
  });
});
