import { prepared } from '../../src/backend/prepare';
import { prospectOf } from '../../src/webhook/source';
import { checkpoint } from '../objects';

const labels = { app: 'a' };
const selector = { matchLabels: labels };
const of = (backendFramework: 'vllm' | 'sglang', source: object) =>
  checkpoint({ spec: { identity: { model: 'm', backendFramework }, source: { selector, ...source } } });
const pod = (annotations?: Record<string, string>) => ({
  metadata: { labels, ...(annotations ? { annotations } : {}) },
  spec: { containers: [{ name: 'main' }, { name: 'worker' }] },
});

describe('a pod that a checkpoint captures', () => {
  it('is prepared once, however often admission is asked about it', () => {
    const checkpoints = [of('vllm', { containerName: 'worker' })];
    const asked = (it: Parameters<typeof prospectOf>[0]) => {
      const prospect = prospectOf(it, checkpoints);
      if ('warning' in prospect || prospect.preparation === undefined) throw new Error('it is not prepared');
      return prepared(it, prospect.preparation, 'profile.json');
    };
    const once = asked(pod());
    expect(once.spec?.containers[0]).toEqual({ name: 'main' });
    expect(once.metadata?.annotations).toEqual({ 'nvidia.com/snapshot-backend': 'vllm' });
    expect(asked(once)).toEqual(once);
  });

  it('is prepared as the checkpoint says, whatever its own annotation does', () => {
    const prospect = prospectOf(pod({ 'nvidia.com/snapshot-backend': 'vllm' }), [of('sglang', {})]);
    expect(prospect).toEqual({ preparation: { backend: 'sglang', container: 'main' } });
  });

  it('is prepared by its annotation where the checkpoint is being deleted', () => {
    const leaving = of('sglang', { containerName: 'worker' });
    const gone = { ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    const prospect = prospectOf(pod({ 'nvidia.com/snapshot-backend': 'vllm' }), [gone]);
    expect(prospect).toEqual({ preparation: { backend: 'vllm', container: 'main' } });
  });
});
