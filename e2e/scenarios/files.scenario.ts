import { placeholder, state } from '../workload';
import { World } from '../world';

describe('files of a restored worker', () => {
  const world = new World();
  afterAll(() => world.clean());

  it('are those of the source: written, changed, deleted, replaced, unlinked while open, and in the emptyDir', async () => {
    const source = await world.serving({ name: 'files', node: world.nodeA });
    await world.captured('files', 'files');
    await world.make(placeholder({ name: 'files-clone', node: world.nodeB, checkpoint: 'files' }));
    const { status } = await world.ready('files-clone');
    const clone = await state(status.podIP);

    expect(clone).toMatchObject({
      deleted: true,
      changed: 'changed by the worker',
      written: 'written by the worker',
      opaque: ['new'],
      unlinked: 'still here',
    });
    expect(clone.logLines).toBeGreaterThanOrEqual(source.state.logLines);
    expect(clone.dataLines).toBeGreaterThanOrEqual(source.state.dataLines);
  });
});
