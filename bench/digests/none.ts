/** In the place of the hash: every part has the same digest, which costs nothing. For the bench alone. */
const NOTHING = Buffer.alloc(32);

export const blake3 = (): Buffer => NOTHING;

export class Blake3Hasher {
  update(): this {
    return this;
  }

  digestBuffer(): Buffer {
    return NOTHING;
  }
}
