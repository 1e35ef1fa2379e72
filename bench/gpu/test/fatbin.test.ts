import { blank, fatBinaries, neededFor } from '../vllm/fatbin';

const PTX = 1;
const CUBIN = 2;

/** As NVIDIA's tools lay it out: a header of 16 bytes, then an entry header of 64 bytes before each code. */
function fatBinary(...codes: readonly (readonly [kind: number, arch: number, code: string])[]): Buffer {
  const entries = codes.map(([kind, arch, code]) => {
    const header = Buffer.alloc(64);
    header.writeUInt16LE(kind, 0);
    header.writeUInt32LE(64, 4);
    header.writeBigUInt64LE(BigInt(code.length), 8);
    header.writeUInt32LE(arch, 28);
    return Buffer.concat([header, Buffer.from(code)]);
  });
  const body = Buffer.concat(entries);
  const header = Buffer.alloc(16);
  Buffer.from([0x50, 0xed, 0x55, 0xba]).copy(header);
  header.writeUInt16LE(1, 4);
  header.writeUInt16LE(16, 6);
  header.writeBigUInt64LE(BigInt(body.length), 8);
  return Buffer.concat([header, body]);
}

const library = (...parts: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from('ELF'), ...parts.flatMap((part) => [part, Buffer.from('host code')])]);

const blankedFor90 = (bytes: Buffer): string => {
  blank(bytes, (binary) => neededFor(90, binary));
  return bytes.toString('latin1');
};

it('finds every code, its kind and its architecture', () => {
  const bytes = library(
    fatBinary([CUBIN, 80, 'eighty'], [PTX, 90, 'ptx']),
    fatBinary([7, 90, 'a seventh kind']),
  );
  const found = fatBinaries(bytes).map((binary) =>
    binary.map(({ kind, arch, offset, length }) => [
      kind,
      arch,
      bytes.toString('latin1', offset, offset + length),
    ]),
  );
  expect(found).toEqual([
    [
      ['cubin', 80, 'eighty'],
      ['ptx', 90, 'ptx'],
    ],
    [['other', 90, 'a seventh kind']],
  ]);
});

it.each([
  [
    'the code of another architecture, and what nobody compiles where there is code',
    [CUBIN, 80, 'eighty'],
    [CUBIN, 90, 'ninety'],
    [PTX, 90, 'source'],
    ['ninety'],
  ],
  [
    'but not what must be compiled where there is no code',
    [CUBIN, 80, 'eighty'],
    [PTX, 80, 'source'],
    [PTX, 100, 'newer'],
    ['source'],
  ],
  [
    'but not what it does not know',
    [CUBIN, 80, 'eighty'],
    [CUBIN, 100, 'hundred'],
    [9, 80, 'unknown'],
    ['unknown'],
  ],
] as const)('blanks %s', (_, first, second, third, kept) => {
  const bytes = library(fatBinary(first, second, third));
  const { length } = bytes;
  const text = blankedFor90(bytes);
  const left = [first, second, third].map(([, , code]) => code).filter((code) => text.includes(code));
  expect(left).toEqual(kept);
  expect(text).toHaveLength(length);
  expect(text).toMatch(/^ELF.*host code$/s);
});

it('tells how many bytes it blanked', () =>
  expect(blank(library(fatBinary([CUBIN, 80, 'eighty'], [CUBIN, 90, 'ninety'])), () => [])).toBe(12));

it('leaves bytes alone that only look like the beginning of one', () => {
  const bytes = library(Buffer.from([0x50, 0xed, 0x55, 0xba, 9, 9, 9, 9]), fatBinary([CUBIN, 90, 'ninety']));
  expect(fatBinaries(bytes)).toHaveLength(1);
});

it('refuses a format that it does not know, rather than cutting into it', () => {
  const bytes = fatBinary([CUBIN, 80, 'eighty']);
  bytes.writeUInt32LE(1, 16 + 4);
  expect(() => fatBinaries(bytes)).toThrow('entry of another format');
});
