import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { placeOf } from '../place';
import { heeded, outermost } from '../python';

const dir = mkdtempSync(join(tmpdir(), 'e2e-place-'));
const env = { E2E_HOME: dir, E2E_OUT: join(dir, 'out'), E2E_SCRATCH: join(dir, 'scratch') };
afterAll(() => rmSync(dir, { recursive: true }));

describe('the place of the test', () => {
  it('has a stand-in for a GPU where there is none, but not for a server, which has one of its own', () => {
    expect(placeOf(env, ['--cpu'])).toMatchObject({ gpu: false, standIn: true, gibibytes: 0.25 });
    expect(placeOf({ ...env, E2E_WORKER: 'vllm-8b' }, ['--cpu'])).toMatchObject({ standIn: false });
  });

  const vllm = (more: Record<string, string>) => placeOf({ ...env, ...more }, ['--cpu']).vllm;

  it('has no server unless one is asked for', () => {
    expect(vllm({})).toBeUndefined();
    expect(vllm({ E2E_WORKER: 'memory' })).toBeUndefined();
  });

  it('has a stand-in without a GPU, started with nothing compiled and then with what that has compiled', () => {
    expect(vllm({ E2E_WORKER: 'vllm-8b' })).toMatchObject({
      model: { shape: 'tiny' },
      starts: ['empty', 'warm'],
    });
    expect(vllm({ E2E_WORKER: 'vllm-0.6b', E2E_STARTS: 'empty' })?.starts).toEqual(['empty']);
  });

  it.each([
    [{ E2E_WORKER: 'vllm-70b' }, 'E2E_WORKER is "vllm-70b", none of memory, vllm-8b, vllm-0.6b'],
    [{ E2E_WORKER: 'vllm-8b', E2E_STARTS: 'empty,hot' }, 'E2E_STARTS names hot'],
    [{ E2E_WORKER: 'vllm-8b', E2E_STARTS: 'warm' }, 'E2E_STARTS must begin with empty'],
    [{ E2E_WORKER: 'vllm-8b', E2E_STARTS: '' }, 'E2E_STARTS must begin with empty'],
  ])('refuses %j', (more, why) => {
    expect(() => vllm(more)).toThrow(why);
  });
});

describe("the host's Python", () => {
  it('is mounted without folders that lie within others', () => {
    expect(outermost(['/opt/a', '/opt', '/opt', '/optional', '/root/x/y', '/root/x'])).toEqual([
      '/opt',
      '/optional',
      '/root/x',
    ]);
  });

  it('is given the words that its libraries heed, and no others', () => {
    const asked = { NCCL_NVLS_ENABLE: '0', TORCH_X: '1', PATH: '/bin', HOME: '/root', MY_CUDA_X: '1' };
    expect(heeded({ ...asked, CUDA_HOME: undefined })).toEqual({
      NCCL_NVLS_ENABLE: '0',
      TORCH_X: '1',
      PATH: '/bin',
    });
  });
});
