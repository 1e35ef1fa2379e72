import { parseCpuinfo } from '../../src/linux/cpu';
import { parseAvailable } from '../../src/linux/meminfo';

describe('parseCpuinfo', () => {
  it('keeps what programs can use, of the first processor', () => {
    const text = [
      'processor\t: 0',
      'model name\t: Fast 9000 @ 3.00GHz',
      'flags\t\t: fpu vme sse2 ibrs avx512f amx_tile tsc_known_freq xsavec pni sha_ni smep ospke',
      '',
      'processor\t: 1',
      'model name\t: Slow',
      'flags\t\t: fpu',
    ].join('\n');
    expect(parseCpuinfo(text)).toEqual({
      model: 'Fast 9000 @ 3.00GHz',
      features: ['amx_tile', 'avx512f', 'fpu', 'ospke', 'pni', 'sha_ni', 'sse2', 'xsavec'],
    });
  });

  it('takes all features of an arm processor', () => {
    const text = 'processor\t: 0\nFeatures\t: fp asimd sve\nCPU part\t: 0xd40\n';
    expect(parseCpuinfo(text)).toEqual({ model: '0xd40', features: ['asimd', 'fp', 'sve'] });
  });

  it('knows nothing of what says nothing', () => {
    expect(parseCpuinfo('')).toEqual({ model: '', features: [] });
  });
});

describe('parseAvailable', () => {
  it.each([
    ['MemTotal:  16 kB\nMemAvailable:   1024 kB\n', 1 << 20],
    ['MemTotal:  16 kB\n', undefined],
  ])('reads %j', (text, bytes) => expect(parseAvailable(text)).toBe(bytes));
});
