import { originalCommand, parseStandbyCommand, standbyCommand } from '../src/standby';

describe('the command line of a placeholder', () => {
  const orders = { unclaimedSeconds: 10, otherwise: 'ColdStart', command: ['serve', '--port', '1'] } as const;

  it('is read as it was written', () => {
    const argv = standbyCommand(orders);
    expect(argv.join(' ')).toBe('/.snapshot/standby --unclaimed 10 --otherwise cold -- serve --port 1');
    expect(parseStandbyCommand(argv)).toEqual(orders);
  });

  it.each([
    [
      'nothing to start cold',
      ['/.snapshot/standby', '--otherwise', 'fail'],
      { command: [], otherwise: 'Fail' },
    ],
    ['one written by hand', ['/.snapshot/standby'], { command: [] }],
    ['a standby of the image', ['/usr/bin/standby', '--', 'a', '--', 'b'], { command: ['a', '--', 'b'] }],
    [
      'options of the command that look like ours',
      ['/x/standby', '--', 'a', '--unclaimed', '5'],
      { command: ['a', '--unclaimed', '5'] },
    ],
    ['no number', ['/x/standby', '--unclaimed', 'soon'], { command: [] }],
    ['another program', ['python3', 'standby'], undefined],
    ['no command at all', [], undefined],
  ])('with %s', (_, argv, parsed) => expect(parseStandbyCommand(argv)).toEqual(parsed));

  it('gives back what a placeholder stood for, and leaves every other command alone', () => {
    expect(originalCommand(standbyCommand(orders))).toEqual(['serve', '--port', '1']);
    expect(originalCommand(['serve'])).toEqual(['serve']);
  });
});
