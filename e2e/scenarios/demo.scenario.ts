import { readFileSync } from 'node:fs';
import { cleanUp, show } from '../demo/show';
import { rows, table } from '../demo/table';
import type { WorldFile } from '../world';
import { World, worldFile } from '../world';

describe('the demo', () => {
  const { kube } = new World();
  afterAll(() => cleanUp(kube), 120_000);

  it('shows a worker that goes on where it was, on the other node', async () => {
    const said: string[] = [];
    const world = JSON.parse(readFileSync(worldFile, 'utf8')) as WorldFile;
    const report = await show(kube, world, (line) => void said.push(line));
    expect(report.firstCounterAfterRestore).toBe(report.counterAtCapture + 1);
    expect(report.sourceNode).not.toBe(report.restoreNode);
    expect(report.cloneSeconds).toHaveLength(3);
    expect(said.join('\n')).toMatch(/demo +\S+ +\S+ +Ready/);
    expect(table(rows(report))).not.toContain('NaN');
  }, 600_000);
});
