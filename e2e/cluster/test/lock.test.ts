import { readdir, writeFile } from 'node:fs/promises';
import { STATE_ROOT } from '../instance';
import { exclusively } from '../lock';

// Only root may make the folder; nobody else can use the tool.
const asRoot = process.getuid?.() === 0 ? describe : describe.skip;

asRoot('working on a cluster', () => {
  const name = `t${process.pid}`;
  const locks = async (): Promise<readonly string[]> =>
    (await readdir(STATE_ROOT)).filter((file) => file.startsWith(`${name}.`));

  it('refuses a second one at the same time, by name of the first', async () => {
    const second = exclusively(name, () => exclusively(name, async () => 'both'));
    await expect(second).rejects.toThrow(`process ${process.pid} is working on the cluster`);
  });

  it('is free again afterwards, also after a failure', async () => {
    await expect(exclusively(name, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await exclusively(name, async () => 'yes')).toBe('yes');
    expect(await locks()).toEqual([]);
  });

  it.each(['', '{"pid":2147483,"startTime":"1"}', `{"pid":${process.pid},"startTime":"1"}`])(
    'takes over from a process that is gone (%s)',
    async (text) => {
      await writeFile(`${STATE_ROOT}/${name}.lock`, text);
      expect(await exclusively(name, async () => 'yes')).toBe('yes');
    },
  );
});
