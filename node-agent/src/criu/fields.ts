/** The fields of a protobuf message as they lie there, so that what we do not know is kept; pure. */
import protobuf from 'protobufjs';
import { TerminalError } from '@dynamo-snapshot/api/errors';

export interface Field {
  readonly number: number;
  /** Of a length-delimited field; else empty. */
  readonly content: Uint8Array;
  /** Tag and all. */
  readonly raw: Uint8Array;
}

export function fields(message: Uint8Array): readonly Field[] {
  const reader = protobuf.Reader.create(message);
  const found: Field[] = [];
  while (reader.pos < reader.len) {
    const from = reader.pos;
    const tag = reader.uint32();
    const delimited = (tag & 7) === 2;
    const content = delimited ? reader.bytes() : new Uint8Array();
    if (!delimited) reader.skipType(tag & 7);
    found.push({ number: tag >>> 3, content, raw: message.subarray(from, reader.pos) });
  }
  return found;
}

/** Throws ImageInvalid in place of whatever a decoder says of bytes that are no message of its kind. */
export function understood<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof TerminalError) throw cause;
    throw new TerminalError('ImageInvalid', `${name} cannot be understood: ${String(cause)}`, { cause });
  }
}

/** The message with these numbers in the place of what the fields had, or beside the others where it had none. */
export function withNumbers(message: Uint8Array, values: ReadonlyMap<number, bigint>): Buffer {
  const others = fields(message).filter(({ number }) => !values.has(number));
  const writer = protobuf.Writer.create();
  for (const [number, value] of values) writer.uint32(number << 3).uint64(value.toString());
  return Buffer.concat([...others.map(({ raw }) => raw), writer.finish()]);
}

/** A message as a field of another. */
export const asField = (number: number, content: Uint8Array): Buffer =>
  Buffer.from(
    protobuf.Writer.create()
      .uint32((number << 3) | 2)
      .bytes(content)
      .finish(),
  );
