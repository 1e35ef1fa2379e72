import { identityHash } from '../src/identity';

describe('identityHash', () => {
  it.each([
    ['the shortest identity', { model: 'Qwen/Qwen3-0.6B', backendFramework: 'vllm' }, '0d888542e79d9df4'],
    [
      'an identity with type and length',
      {
        model: 'Qwen/Qwen3-0.6B',
        backendFramework: 'vllm',
        tensorParallelSize: 1,
        dtype: 'bfloat16',
        maxModelLen: 4096,
      },
      '0ef92fc0f7239834',
    ],
  ] as const)('agrees with upstream on %s', (_, identity, hash) => {
    expect(identityHash(identity)).toBe(hash);
  });

  it('takes empty optionals as absent, and empty extra parameters as values', () => {
    const bare = { model: 'm', backendFramework: 'vllm' } as const;
    expect(identityHash({ ...bare, dtype: '', extraParameters: {} })).toBe(identityHash(bare));
    expect(identityHash({ ...bare, extraParameters: { a: '' } })).not.toBe(identityHash(bare));
  });

  it('does not depend on the order of keys', () => {
    const one = identityHash({ model: 'm', backendFramework: 'vllm', extraParameters: { a: '1', b: '2' } });
    const two = identityHash({ extraParameters: { b: '2', a: '1' }, backendFramework: 'vllm', model: 'm' });
    expect(one).toBe(two);
  });
});
