import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitCode } from '../../src/exit';
import { encode } from '../../src/images/codec';
import { makeArtifact } from '../artifact/artifact';
import { Stage } from '../stage';

jest.setTimeout(60_000);

describe('diff', () => {
  const stage = new Stage();
  const dir = mkdtempSync(join(tmpdir(), 'snapshot-diff-'));
  const at = (...parts: string[]) => join(dir, ...parts);
  afterAll(() => rmSync(dir, { recursive: true }));

  it('of an artifact with itself finds nothing', async () => {
    makeArtifact(at('a'));
    const { code, out } = await stage.run(['diff', at('a'), at('a')]);
    expect({ code, out }).toEqual({ code: exitCode.ok, out: `${at('a')} and ${at('a')} are the same\n` });
  });

  it('tells what differs, part by part', async () => {
    makeArtifact(at('b'), {
      source: { nodeName: 'node-b', architecture: 'x64', kernel: '6.18.1', criuVersion: '4.2.1' } as never,
    });
    writeFileSync(
      at('b/criu/core-21.img'),
      encode([['core_entry', { tc: { task_state: 1, exit_code: 0, comm: 'ncat' } }]]),
    );
    writeFileSync(at('b/criu/pagemap-24.img'), encode([['pagemap_head', { pages_id: 1 }]]));
    const { code, out } = await stage.run(['diff', at('a'), at('b'), '-o', 'json']);
    expect(code).toBe(exitCode.found);
    const { differences } = JSON.parse(out) as {
      differences: { part: string; what: string; a: string; b: string }[];
    };
    expect(differences.filter((d) => d.part !== 'memory')).toEqual([
      { part: 'source', what: 'nodeName', a: 'node-a', b: 'node-b' },
      {
        part: 'processes',
        what: '21',
        a: 'nc /bin/busybox, 7 open files, 1 threads',
        b: 'ncat /bin/busybox, 7 open files, 1 threads',
      },
    ]);
    expect(differences.find((d) => d.what === '[heap]')).toEqual({
      part: 'memory',
      what: '[heap]',
      a: '48Ki',
      b: '40Ki',
    });
  });
});
