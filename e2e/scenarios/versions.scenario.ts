import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { annotation } from '@dynamo-snapshot/api/names';
import { poll } from '../cluster/poll';
import { placeholder, state } from '../workload';
import type { CheckpointObject } from '../world';
import { World } from '../world';

describe('a checkpoint that is captured again', () => {
  const world = new World();
  afterAll(() => world.clean());
  const recapture = (value: string) =>
    world.kube.run([
      'annotate',
      'dynamocheckpoint',
      'versions',
      '--overwrite',
      `${annotation.recapture}=${value}`,
    ]);
  const current = async () => (await world.kube.get<CheckpointObject>('dynamocheckpoint', 'versions')).status;
  const folder = (status: CheckpointObject['status']) =>
    join(world.sharedDir, world.namespace, status?.identityHash ?? '', status?.artifact?.uid ?? '');

  it('stays Ready with the old artifact until the new one is there, which then takes its place', async () => {
    await world.serving({ name: 'versions', node: world.nodeA });
    const first = (await world.captured('versions', 'versions')).status;
    expect(existsSync(folder(first))).toBe(true);

    await recapture('again');
    await world.kube.wait('dynamocheckpoint', 'versions', 'jsonpath={.status.artifact.version}=2', 120);
    const second = await current();
    expect(second?.phase).toBe('Ready');
    expect(second?.artifact?.uid).not.toBe(first?.artifact?.uid);

    await world.make(placeholder({ name: 'versions-clone', node: world.nodeB, checkpoint: 'versions' }));
    const { status } = await world.ready('versions-clone');
    expect(await state(status.podIP)).toMatchObject({ modelIntact: true });

    // Half a minute of grace for who may be about to read it.
    const forgotten = async () => ((await current())?.retired ?? []).length === 0;
    expect(await poll(forgotten, { limitMs: 90_000, everyMs: 500 })).toBe(true);
    expect([existsSync(folder(first)), existsSync(folder(second))]).toEqual([false, true]);
  }, 400_000);

  it('keeps what it has when the new capture fails', async () => {
    const before = await current();
    await world.kube.run([
      'patch',
      'dynamocheckpoint',
      'versions',
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { source: { containerName: 'nobody' } } }),
    ]);
    await world.kube.wait('dynamocheckpoint', 'versions', 'jsonpath={.status.capture.outcome}=Failed', 60);
    const after = await current();
    expect(after).toMatchObject({ phase: 'Ready', artifact: before?.artifact });
    expect(after?.message).toMatch(/version 3 failed, version 2 stays: .*container/);
  }, 240_000);
});
