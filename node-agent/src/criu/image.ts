/** The frame of CRIU's image files: two magic numbers, then messages, each after its length (criu: images/, magic.h); pure. */
import { TerminalError } from '@dynamo-snapshot/api/errors';

const MAGIC_BYTES = 8;
const LENGTH_BYTES = 4;

export interface Image {
  readonly magic: Buffer;
  readonly messages: readonly Buffer[];
}

/** Throws ImageInvalid where the file does not end with a message. */
export function readImage(name: string, bytes: Buffer): Image {
  const torn = () => new TerminalError('ImageInvalid', `${name} is torn`);
  if (bytes.length < MAGIC_BYTES) throw torn();
  const messages: Buffer[] = [];
  let at = MAGIC_BYTES;
  while (at < bytes.length) {
    const from = at + LENGTH_BYTES;
    if (from > bytes.length) throw torn();
    at = from + bytes.readUInt32LE(from - LENGTH_BYTES);
    if (at > bytes.length) throw torn();
    messages.push(bytes.subarray(from, at));
  }
  return { magic: bytes.subarray(0, MAGIC_BYTES), messages };
}

export function writeImage({ magic, messages }: Image): Buffer {
  const framed = messages.flatMap((message) => {
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32LE(message.length);
    return [length, message];
  });
  return Buffer.concat([magic, ...framed]);
}
