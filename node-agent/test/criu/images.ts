/** CRIU images made by hand. */
import protobuf from 'protobufjs';

type Message = readonly (readonly [field: number, value: number | Buffer])[];

export function message(fields: Message): Buffer {
  const writer = protobuf.Writer.create();
  for (const [field, value] of fields)
    if (typeof value === 'number') writer.uint32(field << 3).uint64(value);
    else writer.uint32((field << 3) | 2).bytes(value);
  return Buffer.from(writer.finish());
}

export function image(messages: readonly Buffer[]): Buffer {
  const framed = messages.flatMap((m) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(m.length);
    return [length, m];
  });
  return Buffer.concat([Buffer.from('magicnum'), ...framed]);
}

const PAGE = 4096;

/** Runs as [address, pages, flags]. */
export const pagemap = (pagesId: number, runs: readonly (readonly [number, number, number])[]): Buffer =>
  image([
    message([[1, pagesId]]),
    ...runs.map(([address, pages, flags]) =>
      message([
        [1, address],
        [2, 0],
        [4, flags],
        [5, pages],
      ]),
    ),
  ]);

export interface AreaFields {
  readonly start: number;
  readonly pages: number;
  readonly prot?: number;
  readonly flags?: number;
  readonly status?: number;
  readonly madv?: number;
}

/** mm_entry with a field before and one after the areas that nobody here knows. */
export const mm = (areas: readonly AreaFields[]): Buffer =>
  image([
    message([
      [1, 0xdeadbeef],
      ...areas.map(({ start, pages, prot = 3, flags = 0x22, status = 0x201, madv }) => {
        const fields: (readonly [number, number])[] = [
          [1, start],
          [2, start + pages * PAGE],
          [3, 0],
          [4, 0],
          [5, prot],
          [6, flags],
          [7, status],
          [8, 1],
          ...(madv === undefined ? [] : [[9, madv] as const]),
          [31, 4711],
        ];
        return [14, message(fields)] as const;
      }),
      [15, Buffer.from('auxv')],
    ]),
  ]);
