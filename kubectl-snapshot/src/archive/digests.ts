/** Digests of a file's parts as its bytes go by, the way the manifest has them: BLAKE3 of each DIGEST_CHUNK_BYTES. */
import { createBLAKE3 } from 'hash-wasm';
import type { IHasher } from 'hash-wasm';
import { DIGEST_CHUNK_BYTES } from '@dynamo-snapshot/api/manifest';

export class PartDigests {
  readonly #hasher: IHasher;
  readonly #done: string[] = [];
  #filled = 0;

  private constructor(hasher: IHasher) {
    this.#hasher = hasher;
  }

  static async begin(): Promise<PartDigests> {
    return new PartDigests(await createBLAKE3());
  }

  update(bytes: Buffer): void {
    for (let from = 0; from < bytes.length;) {
      const part = bytes.subarray(from, from + DIGEST_CHUNK_BYTES - this.#filled);
      this.#hasher.update(part);
      this.#filled += part.length;
      from += part.length;
      if (this.#filled === DIGEST_CHUNK_BYTES) this.#close();
    }
  }

  /** In hex, of all parts; the last may be shorter, and an empty file has none. */
  end(): readonly string[] {
    if (this.#filled > 0) this.#close();
    return this.#done;
  }

  #close(): void {
    this.#done.push(this.#hasher.digest('hex'));
    this.#hasher.init();
    this.#filled = 0;
  }
}

export async function digestsOf(bytes: Buffer): Promise<readonly string[]> {
  const parts = await PartDigests.begin();
  parts.update(bytes);
  return parts.end();
}

export const sameDigests = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((digest, i) => digest === b[i]);
