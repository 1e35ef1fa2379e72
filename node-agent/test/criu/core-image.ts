/** core-*.img as CRIU writes one, for tests. */

/** A message field of protobuf: tag, length, content; all shorter than 128 bytes. */
const message = (number: number, ...content: readonly Buffer[]): Buffer => {
  const all = Buffer.concat(content);
  return Buffer.concat([Buffer.from([(number << 3) | 2, all.length]), all]);
};
const varint = (number: number, value: number): Buffer => {
  const bytes = [number << 3];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest > 127 ? (rest % 128) | 128 : rest);
    if (rest <= 127) return Buffer.from(bytes);
  }
};

export interface Thread {
  readonly stack?: number;
  readonly flags?: number;
  readonly xstate?: number;
}

/** As CRIU writes it: 5.7 is the stack for signals, 2.3.13.1 what the registers hold. */
export function coreImage({ stack = 0, flags = 0, xstate = 0x2a2 }: Thread): Buffer {
  const xsave = message(13, varint(1, xstate), varint(2, 0));
  const core = Buffer.concat([
    message(2, varint(1, 5), message(3, xsave)),
    message(5, varint(1, 1), message(7, varint(1, 4096), varint(2, stack), varint(3, flags)), message(9)),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(core.length);
  return Buffer.concat([Buffer.alloc(8), length, core]);
}
