/**
 * The frame of CRIU's image files (criu: images/image.proto, include/magic.h): two magic numbers, then entries, each a 32-bit length
 * and a protobuf message. All numbers are little-endian.
 */
import protobuf from 'protobufjs';
import type { MessageName, Messages } from './messages';
import { typeOf } from './messages';

export const magic = { common: 0x54564319, service: 0x55105940 } as const;
const HEADER_BYTES = 8;
const LENGTH_BYTES = 4;

/** Raw messages of an image; throws where it is no image, or is cut off. */
export function entriesOf(file: string, image: Buffer): readonly Buffer[] {
  const first = image.length >= HEADER_BYTES ? image.readUInt32LE(0) : 0;
  if (first !== magic.common && first !== magic.service) throw new Error(`${file} is no CRIU image`);
  const entries: Buffer[] = [];
  let at = HEADER_BYTES;
  while (at < image.length) {
    const end = at + LENGTH_BYTES <= image.length ? at + LENGTH_BYTES + image.readUInt32LE(at) : Infinity;
    if (end > image.length) throw new Error(`${file} is cut off at byte ${image.length}`);
    entries.push(image.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return entries;
}

export function decode<M extends MessageName>(name: M, file: string, entry: Buffer): Messages[M] {
  const type = typeOf(name);
  try {
    return type.toObject(type.decode(entry), { longs: Number, arrays: true }) as Messages[M];
  } catch (cause) {
    throw new Error(`${file} has an entry that is no ${name}`, { cause });
  }
}

export const decodeAll = <M extends MessageName>(
  name: M,
  file: string,
  image: Buffer,
): readonly Messages[M][] => entriesOf(file, image).map((entry) => decode(name, file, entry));

/** An image of these messages; `kind` is the second magic number, which readers of one kind do not look at. */
export function encode(
  entries: readonly (readonly [MessageName, object])[],
  kind = 0,
  first: number = magic.common,
): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(first, 0);
  header.writeUInt32LE(kind, LENGTH_BYTES);
  const bodies = entries.map(([name, value]) => {
    const type = typeOf(name);
    return type.encode(type.fromObject(value as Record<string, unknown>)).finish();
  });
  return framed(header, bodies);
}

/** The image with each of its messages changed; fields that are not known here stay as they are. */
export function edited<M extends MessageName>(
  name: M,
  file: string,
  image: Buffer,
  change: (message: Messages[M]) => void,
): Buffer {
  const type = typeOf(name);
  const bodies = entriesOf(file, image).map((entry) => {
    const reader = protobuf.Reader.create(entry);
    reader.discardUnknown = false;
    const message = type.decode(reader);
    change(message as unknown as Messages[M]);
    return type.encode(message).finish();
  });
  return framed(image.subarray(0, HEADER_BYTES), bodies);
}

function framed(header: Buffer, bodies: readonly Uint8Array[]): Buffer {
  const parts = bodies.flatMap((body) => {
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32LE(body.length);
    return [length, body];
  });
  return Buffer.concat([header, ...parts]);
}
