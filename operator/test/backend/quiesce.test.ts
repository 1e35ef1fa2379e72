import type { V1Container } from '@kubernetes/client-node';
import { captureAssignment, restoreAssignment } from '../../src/assignment/build';
import { quiesceOf } from '../../src/backend/quiesce';
import { captured } from '../../src/checkpoint/status';
import { observe } from '../../src/checkpoint/observe';
import { assignment, caches, checkpoint, CONTAINER_ID, NOW } from '../objects';

const dev = { env: [{ name: 'VLLM_SERVER_DEV_MODE', value: '1' }] };
const container = (more: Partial<V1Container> = {}): V1Container => ({ name: 'main', ...more });
const of = (backendFramework: 'vllm' | 'sglang' | 'generic', more: object = {}) =>
  checkpoint({ spec: { identity: { model: 'm', backendFramework }, ...more } });
const post = (path: string, port = 8000) => ({ http: { port, path } });
const target = {
  nodeName: 'node-a',
  pod: { name: 'src', uid: 'u' },
  container: { name: 'main', id: CONTAINER_ID },
};
const request = { key: 'k', version: 1, attempt: 1 };

describe('how a worker is brought to rest', () => {
  it.each<[string, ReturnType<typeof of>, V1Container, object]>([
    [
      'a vLLM that has the paths: it finishes what is on its way, and goes on',
      of('vllm'),
      container(dev),
      { beforeCapture: [post('/pause?mode=wait&clear_cache=false')], afterRestore: [post('/resume')] },
    ],
    [
      'at its own port',
      of('vllm'),
      container({ ...dev, ports: [{ containerPort: 9000 }] }),
      { beforeCapture: [post('/pause?mode=wait&clear_cache=false', 9000)] },
    ],
    ['not a vLLM that has no such paths', of('vllm'), container(), {}],
    ['not an engine without hooks', of('sglang'), container(dev), {}],
    ['not any other', of('generic'), container(dev), {}],
    [
      'as the checkpoint says, where it does',
      of('vllm', { quiesce: { beforeCapture: [post('/sleep')] } }),
      container(dev),
      { beforeCapture: [post('/sleep')] },
    ],
    ['not at all, where the checkpoint says that', of('vllm', { quiesce: {} }), container(dev), {}],
  ])('%s', (_, it, c, hooks) => {
    const found = quiesceOf(it, c);
    expect(found).toMatchObject(hooks);
    if (Object.keys(hooks).length === 0) expect(found).toEqual({});
  });

  it('is known to whoever wakes a clone, long after the source is gone', () => {
    const vllm = of('vllm');
    const order = captureAssignment(vllm, 'a'.repeat(16), request, target, quiesceOf(vllm, container(dev)));
    const hooks = { after: [post('/resume')], restored: [post('/resume')] };
    expect(order.spec).toMatchObject({ tcp: 'keep-local', hooks });
    const done = assignment('capture', { phase: 'Succeeded' }, order.spec);
    const { more } = captured(observe(vllm, caches({})), done, NOW);
    expect(more?.artifact?.wake).toEqual([post('/resume')]);
    const restore = restoreAssignment({ ...vllm, status: { artifact: more?.artifact } } as never, target, {
      number: 1,
      last: true,
    });
    expect(restore.spec.hooks).toEqual({ after: [post('/resume')] });
  });

  it('a clone is woken by other hooks than its source, where the checkpoint says so', () => {
    const quiesce = { afterCapture: [post('/go-on')], afterRestore: [post('/begin')] };
    const order = captureAssignment(of('generic', { quiesce }), 'a'.repeat(16), request, target, quiesce);
    expect(order.spec.hooks).toEqual({ after: [post('/go-on')], restored: [post('/begin')] });
    const alone = { afterCapture: quiesce.afterCapture };
    const { spec } = captureAssignment(of('generic', { quiesce }), 'a'.repeat(16), request, target, alone);
    expect(spec.hooks).toEqual({ after: [post('/go-on')] });
    const seen = observe(of('generic', { quiesce: alone }), caches({}));
    const { more } = captured(seen, assignment('capture', { phase: 'Succeeded' }, spec), NOW);
    expect(more?.artifact).not.toHaveProperty('wake');
  });

  it('leaves out what was downloaded, or what the checkpoint names instead', () => {
    const excluded = (more: object) =>
      captureAssignment(of('vllm', more), 'a'.repeat(16), request, target, {}).spec.excludePaths;
    expect(excluded({})).toEqual(['.cache/huggingface']);
    expect(excluded({ capture: { excludePaths: ['/scratch'] } })).toEqual(['/scratch']);
    expect(excluded({ capture: { excludePaths: [] } })).toBeUndefined();
  });

  it('leaves connections as the checkpoint says, where it does', () => {
    const close = of('vllm', { capture: { tcp: 'close' } });
    expect(captureAssignment(close, 'a'.repeat(16), request, target, {}).spec.tcp).toBe('close');
    expect(captureAssignment(of('generic'), 'a'.repeat(16), request, target, {}).spec.tcp).toBeUndefined();
  });
});
