/**
 * Packs an archive whose images `criu restore` reads with nothing else: memory is taken out of the shards and put where CRIU would have
 * written it, piece by piece as it comes, each chunk compared with its digest. What was put together is read once for the digests of a new
 * manifest. So the archive holds an artifact again, as if CRIU had dumped it all by itself, and `import` takes it.
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import type { Seal } from '@dynamo-snapshot/api/seal';
import { parseManifest, parsePagesIndex } from '@dynamo-snapshot/api/validate';
import type { IHasher } from 'hash-wasm';
import { createBLAKE3 } from 'hash-wasm';
import type { Contents } from '../contents';
import { Digests } from '../digests';
import type { Entry } from '../entries';
import { describesMemory } from '../entries';
import type { OnBytes, Packing } from '../write';
import { noManifest } from '../write';
import { manifestText, partsOf, rewritten } from './manifest';
import type { Place, Places } from './places';
import { asTheyAre, placesOf } from './places';

export const packForCriu: Packing = async (entries, contents, onBytes) => {
  const packer = new Packer(contents, await Digests.create(), onBytes);
  for await (const entry of entries) await packer.take(entry);
  return packer.finish();
};

/** What is true of the artifact in its store alone, and the seal, which another manifest needs anew. */
const LEFT_OUT: readonly string[] = [artifactFile.seal, artifactFile.retained, artifactFile.orphaned];

/** Once it is known where everything goes. */
interface Opened {
  readonly places: Places;
  readonly manifestAt: number;
  /** Where each page file begins in the archive. */
  readonly files: ReadonlyMap<string, number>;
}

class Packer {
  readonly #contents: Contents;
  readonly #digests: Digests;
  readonly #onBytes: OnBytes;
  readonly #described = new Map<string, Buffer>();
  #manifest: Manifest | undefined;
  #opened: Opened | undefined;
  #done = 0;

  constructor(contents: Contents, digests: Digests, onBytes: OnBytes) {
    this.#contents = contents;
    this.#digests = digests;
    this.#onBytes = onBytes;
  }

  async take({ path, sizeBytes, content }: Entry): Promise<void> {
    if (path === artifactFile.manifest) return this.#expect((await buffer(content)).toString());
    if (LEFT_OUT.includes(path)) return void content.resume();
    const watch = this.#digests.watch(path, (bytes) => this.#count(bytes));
    const passing = pipeline(content, watch);
    if (describesMemory(path)) return this.#keep(path, (await Promise.all([buffer(watch), passing]))[0]);
    const opened = await this.#open();
    const isMemory = opened.files.has(path) || path.startsWith(`${artifactFile.pages}/`);
    const put = isMemory
      ? this.#scatter(watch, opened.places.of.get(path) ?? [], opened)
      : this.#contents.addStream(path, sizeBytes, watch);
    await Promise.all([put, passing]);
  }

  async finish(): Promise<Manifest> {
    const { places, manifestAt, files } = await this.#open();
    this.#digests.refuse();
    const hasher = await createBLAKE3();
    const parts = new Map<string, readonly string[]>();
    for (const [path, image] of places.images) parts.set(path, digestsOf(image, hasher));
    for (const [path, size] of places.sizes)
      parts.set(path, await this.#digestsInArchive(files.get(path) ?? 0, size, hasher));
    const manifest = rewritten(this.#known, places, parts);
    const text = manifestText(manifest);
    await this.#contents.tar.write(Buffer.from(text), manifestAt);
    const seal: Seal = { version: 1, manifest: `sha256:${createHash('sha256').update(text).digest('hex')}` };
    await this.#contents.add(artifactFile.seal, Buffer.from(JSON.stringify(seal)));
    return manifest;
  }

  #expect(text: string): void {
    const manifest = parseManifest(text);
    if (manifest.encryption !== undefined)
      throw new TerminalError(
        'ArtifactEncrypted',
        `the artifact is encrypted with key ${manifest.encryption.keyId}, which only agents have: its memory cannot be given to CRIU. Export it without --criu`,
      );
    this.#manifest = manifest;
    this.#digests.expect(manifest);
  }

  get #known(): Manifest {
    if (this.#manifest === undefined) throw noManifest();
    return this.#manifest;
  }

  #keep(path: string, content: Buffer): void {
    if (this.#opened !== undefined)
      throw new TerminalError('ArtifactInvalid', `${path} comes after memory that it describes`);
    this.#described.set(path, content);
  }

  /** At the first file that describes no memory: all that do have come. Of a damaged one nothing is believed. */
  async #open(): Promise<Opened> {
    if (this.#opened !== undefined) return this.#opened;
    const manifest = this.#known;
    this.#digests.refuseDamaged();
    const text = this.#described.get(artifactFile.pagesIndex)?.toString();
    if (text === undefined && manifest.dump.pages === 'split')
      throw new TerminalError('ArtifactDamaged', `${artifactFile.pagesIndex} is missing`);
    const images = [...this.#described].filter(([path]) => path.startsWith(`${artifactFile.images}/`));
    const byName = new Map(images.map(([path, image]) => [basename(path), image]));
    const places = text === undefined ? asTheyAre : placesOf(byName, parsePagesIndex(text));
    const length = Buffer.byteLength(manifestText(rewritten(manifest, places, new Map())));
    const manifestAt = await this.#contents.reserve(artifactFile.manifest, length);
    for (const [path, image] of images) await this.#contents.add(path, places.images.get(path) ?? image);
    const files = new Map<string, number>();
    for (const [path, size] of places.sizes) files.set(path, await this.#contents.reserve(path, size));
    return (this.#opened = { places, manifestAt, files });
  }

  /** A file that has more than was told of it is found out by its digests. */
  async #scatter(content: Readable, places: readonly Place[], { files }: Opened): Promise<void> {
    let [number, into] = [0, 0];
    for await (const bytes of content as AsyncIterable<Buffer>)
      for (let from = 0; from < bytes.length;) {
        const place = places[number];
        if (place === undefined) break;
        const length = Math.min(bytes.length - from, place.length - into);
        const at = (files.get(place.file) ?? 0) + place.at + into;
        await this.#contents.tar.write(bytes.subarray(from, from + length), at);
        from += length;
        into += length;
        if (into === place.length) [number, into] = [number + 1, 0];
      }
  }

  async #digestsInArchive(at: number, sizeBytes: number, hasher: IHasher): Promise<readonly string[]> {
    const digests: string[] = [];
    let from = at;
    for (const length of partsOf(sizeBytes)) {
      const part = Buffer.alloc(length);
      await this.#contents.tar.read(part, from);
      digests.push(...digestsOf(part, hasher));
      from += length;
      this.#count(length);
    }
    return digests;
  }

  /** The page files are written, and read once. */
  #count(bytes: number): void {
    this.#done += bytes;
    const again = [...(this.#opened?.places.sizes.values() ?? [])].reduce((sum, size) => sum + size, 0);
    this.#onBytes(this.#done, (this.#manifest?.sizeBytes ?? 0) + again);
  }
}

function digestsOf(content: Buffer, hasher: IHasher): readonly string[] {
  let from = 0;
  return partsOf(content.length).map((length) => {
    hasher.init();
    hasher.update(content.subarray(from, (from += length)));
    return hasher.digest('hex');
  });
}
