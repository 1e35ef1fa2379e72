import type { Extent } from '../../src/linux/extent';
import { Opening } from '../../src/memory/opening';

const rows = Array.from({ length: 6 }, (_, i) => ({ uffd: i < 4 ? 5 : 6, from: i * 10, to: i * 10 + 10 }));

/** What was opened, in order. */
function opening(): { readonly gate: Opening; readonly opened: string[] } {
  const opened: string[] = [];
  const open = (uffd: number, { address, length }: Extent) =>
    void opened.push(`${uffd}: ${address}-${address + length}`);
  return { gate: new Opening(Opening.of(rows).memory, open), opened };
}

describe('Opening', () => {
  it('opens nothing before the first row is there', () => {
    const { gate, opened } = opening();
    for (const row of [1, 2, 3, 4, 5]) gate.did(row);
    expect(opened).toEqual([]);
    expect(gate.isWhole).toBe(false);
  });

  it('opens what has become whole at once, each process by its own descriptor', () => {
    const { gate, opened } = opening();
    for (const row of [1, 2, 4, 0]) gate.did(row);
    expect(opened).toEqual(['5: 0-30']);
    gate.did(3);
    expect(opened).toEqual(['5: 0-30', '5: 30-40', '6: 40-50']);
    gate.did(5);
    expect(opened.at(-1)).toBe('6: 50-60');
    expect(gate.isWhole).toBe(true);
  });

  it('goes on with what another thread has finished meanwhile', () => {
    const { memory } = Opening.of(rows);
    const opened: number[] = [];
    const other = new Opening(memory, () => {});
    const gate = new Opening(memory, (_, { address }) => {
      opened.push(address);
      // It finds somebody at work, and leaves.
      if (address === 0) other.did(1);
    });
    gate.did(0);
    expect(opened).toEqual([0, 10]);
  });

  it('opens no empty range', () => {
    const opened: number[] = [];
    const empty = Opening.of([
      { uffd: 5, from: 0, to: 0 },
      { uffd: 6, from: 0, to: 10 },
    ]);
    const gate = new Opening(empty.memory, (uffd) => opened.push(uffd));
    gate.did(0);
    gate.did(1);
    expect(opened).toEqual([6]);
  });

  it('tells where the kernel does not open, and is not whole', () => {
    const gate = new Opening(Opening.of(rows).memory, () => {
      throw new Error('open 10 bytes at 0x0: errno 22');
    });
    expect(() => gate.did(0)).toThrow('errno 22');
    expect(gate.isWhole).toBe(false);
  });
});
