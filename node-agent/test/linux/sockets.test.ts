import { parseTcpListeners, parseUnixListeners } from '../../src/linux/sockets';

const header =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const line = (local: string, state: string, inode: number): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000 100 0 0 10 0\n`;

describe('parseTcpListeners', () => {
  it('tells address and port of what listens, and of nothing else', () => {
    const text =
      header +
      line('0100007F:1F90', '0A', 11) +
      line('0500F40A:0050', '01', 12) +
      line('0500F40A:2328', '0A', 13);
    expect([...parseTcpListeners(text, 'tcp')]).toEqual([
      ['11', 'tcp 127.0.0.1:8080'],
      ['13', 'tcp 10.244.0.5:9000'],
    ]);
  });

  it.each([
    ['00000000000000000000000000000000', '[::]'],
    ['00000000000000000000000001000000', '[::1]'],
    ['B80D0120000000000000000005000000', '[2001:db8::5]'],
  ])('writes %s as %s', (hex, address) => {
    expect([...parseTcpListeners(header + line(`${hex}:0050`, '0A', 1), 'tcp6').values()]).toEqual([
      `tcp6 ${address}:80`,
    ]);
  });

  it('passes over lines that are none', () => {
    expect(parseTcpListeners(`${header}  garbage\n${line('XY:Z', '0A', 1)}`, 'tcp').size).toBe(0);
  });
});

describe('parseUnixListeners', () => {
  it('tells path or abstract name of what listens', () => {
    const text = [
      'Num       RefCount Protocol Flags    Type St Inode Path',
      '0000000000000000: 00000002 00000000 00010000 0001 01    21 /run/app.sock',
      '0000000000000000: 00000002 00000000 00010000 0001 01 22222 @name with spaces',
      '0000000000000000: 00000003 00000000 00000000 0001 03    23 /run/app.sock',
      '0000000000000000: 00000002 00000000 00010000 0001 01    24',
      '',
    ].join('\n');
    expect([...parseUnixListeners(text)]).toEqual([
      ['21', 'unix /run/app.sock'],
      ['22222', 'unix @name with spaces'],
      ['24', 'unix '],
    ]);
  });
});
