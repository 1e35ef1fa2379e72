/**
 * Digests of an artifact's files while they pass by. Ordinary files are digested in parts of one size, which the manifest lists; shards
 * of memory in their chunks, which the index lists. BLAKE3 comes as WebAssembly: a plugin has no native code to bring along.
 */
import { Transform } from 'node:stream';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { DIGEST_CHUNK_BYTES } from '@dynamo-snapshot/api/manifest';
import type { PagesIndex } from '@dynamo-snapshot/api/pages';
import { parsePagesIndex } from '@dynamo-snapshot/api/validate';
import type { IHasher } from 'hash-wasm';
import { createBLAKE3 } from 'hash-wasm';

interface Part {
  readonly length: number;
  /** Absent where any content is right. */
  readonly digest?: string;
}

/** What vouches for the others is not among them. */
const VOUCHING: ReadonlySet<string> = new Set([
  artifactFile.manifest,
  artifactFile.seal,
  artifactFile.retained,
  artifactFile.orphaned,
]);

export class Digests {
  readonly #hasher: IHasher;
  readonly #seen = new Set<string>();
  readonly #faults: string[] = [];
  #manifest: Manifest | undefined;
  #index: PagesIndex | undefined;
  #indexText: Buffer[] = [];

  private constructor(hasher: IHasher) {
    this.#hasher = hasher;
  }

  static async create(): Promise<Digests> {
    return new Digests(await createBLAKE3());
  }

  /** Before the first file. */
  expect(manifest: Manifest): void {
    this.#manifest = manifest;
  }

  /** What passes through is compared; faults are told by `refuse`. One file at a time, the index before the shards. */
  watch(path: string, onBytes: (bytes: number) => void = () => {}): Transform {
    if (this.#manifest === undefined)
      throw new TerminalError('ArtifactInvalid', `${artifactFile.manifest} is not the first of the files`);
    this.#seen.add(path);
    const parts = this.#partsOf(path);
    const isIndex = path === artifactFile.pagesIndex;
    let [at, inPart] = [0, 0];
    let wrong = parts === undefined;
    this.#hasher.init();
    const close = () => {
      if (this.#hasher.digest('hex') !== parts?.[at]?.digest) wrong = true;
      this.#hasher.init();
      [at, inPart] = [at + 1, 0];
    };
    const take = (chunk: Buffer) => {
      for (let from = 0; from < chunk.length && !wrong;) {
        const part = parts?.[at];
        if (part === undefined) return void (wrong = true);
        const to = Math.min(chunk.length, from + part.length - inPart);
        this.#hasher.update(chunk.subarray(from, to));
        inPart += to - from;
        from = to;
        if (inPart === part.length) close();
      }
    };
    return new Transform({
      transform: (chunk: Buffer, _, next) => {
        if (!VOUCHING.has(path)) take(chunk);
        if (isIndex) this.#indexText.push(chunk);
        onBytes(chunk.length);
        next(null, chunk);
      },
      flush: (next) => {
        const whole = VOUCHING.has(path) || (!wrong && at === parts?.length);
        if (!whole) this.#faults.push(`${path} has another content`);
        if (isIndex && whole) this.#readIndex();
        next();
      },
    });
  }

  /** Of an encrypted artifact it cannot be read; its shards are then compared by who has the key. */
  #readIndex(): void {
    if (this.#manifest?.encryption === undefined)
      this.#index = parsePagesIndex(Buffer.concat(this.#indexText).toString());
    this.#indexText = [];
  }

  #partsOf(path: string): readonly Part[] | undefined {
    const file = this.#manifest?.files.find((f) => f.path === path);
    if (file !== undefined)
      return file.digests.map((digest, i) => ({
        length: Math.min(DIGEST_CHUNK_BYTES, file.sizeBytes - i * DIGEST_CHUNK_BYTES),
        digest,
      }));
    const shard = this.#index?.shards.findIndex((s) => s.path === path) ?? -1;
    if (shard < 0) return undefined;
    return this.#index?.chunks
      .filter((chunk) => chunk.shard === shard)
      .sort((a, b) => a.offset - b.offset)
      .map(({ extents, digest }) => ({
        length: extents.reduce((sum, value, i) => (i % 2 === 1 ? sum + value : sum), 0),
        digest,
      }));
  }

  /** Throws ArtifactDamaged unless every file has come, as it was when it was captured, and nothing else. */
  refuse(): void {
    const faults = this.faults();
    if (faults.length > 0) throw new TerminalError('ArtifactDamaged', faults.join('; '));
  }

  /** Throws ArtifactDamaged where one that has come is another. */
  refuseDamaged(): void {
    if (this.#faults.length > 0) throw new TerminalError('ArtifactDamaged', this.#faults.join('; '));
  }

  faults(): readonly string[] {
    const wanted = [...(this.#manifest?.files ?? []), ...(this.#index?.shards ?? [])];
    const missing = wanted
      .filter(({ path }) => !this.#seen.has(path))
      .map(({ path }) => `${path} is missing`);
    return [...this.#faults, ...missing];
  }
}
