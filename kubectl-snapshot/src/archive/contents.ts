/** The files of an archive: those of an artifact under the names that they have there, and at the end those that others look for. */
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { artifactFile } from '@dynamo-snapshot/api/layout';
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import { parseRootfsIndex } from '@dynamo-snapshot/api/validate';
import { archiveFile, descriptions, toArchive } from './layout';
import type { TarFile } from './tar-file';

/** Readers of the archive look for these two beside the images as well. */
const COPIES: readonly (readonly [string, string])[] = [
  [`${artifactFile.images}/stats-dump`, archiveFile.stats],
  [artifactFile.dumpLog, archiveFile.log],
];
/** Small, and needed again at the end. */
const KEPT: ReadonlySet<string> = new Set([artifactFile.rootfsIndex, ...COPIES.map(([path]) => path)]);

/** checkpointctl asks for the folder itself. */
const FOLDERS = [archiveFile.own, archiveFile.images];

export class Contents {
  readonly tar: TarFile;
  readonly #kept = new Map<string, Buffer>();

  private constructor(tar: TarFile) {
    this.tar = tar;
  }

  static async begin(tar: TarFile): Promise<Contents> {
    for (const folder of FOLDERS) await tar.addFolder(folder);
    return new Contents(tar);
  }

  /** Paths are those of an artifact. */
  async add(path: string, content: Buffer): Promise<void> {
    await this.tar.add(toArchive(path), content);
  }

  async addStream(path: string, sizeBytes: number, content: Readable): Promise<void> {
    if (!KEPT.has(path)) return this.tar.addStream(toArchive(path), sizeBytes, content);
    const bytes = await buffer(content);
    this.#kept.set(path, bytes);
    return this.add(path, bytes);
  }

  /** Where its content has to be written. */
  reserve(path: string, sizeBytes: number): Promise<number> {
    return this.tar.reserve(toArchive(path), sizeBytes);
  }

  async describe(manifest: Manifest): Promise<void> {
    const index = this.#kept.get(artifactFile.rootfsIndex);
    const rootfs = index === undefined ? undefined : parseRootfsIndex(index.toString());
    for (const [name, text] of Object.entries(descriptions({ manifest, rootfs })))
      await this.tar.add(name, Buffer.from(text));
    for (const [path, name] of COPIES) {
      const content = this.#kept.get(path);
      if (content !== undefined) await this.tar.add(name, content);
    }
  }
}
