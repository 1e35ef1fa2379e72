/** A tar that is written in any order: room is kept for a file whose size is known, and filled as its bytes come. */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Header as TarHeader } from 'tar-stream';
import { pack } from 'tar-stream';

type Header = Partial<TarHeader> & Pick<TarHeader, 'name'>;

const BLOCK = 512;
/** Two blocks of zeros end a tar. */
const END_BYTES = 2 * BLOCK;

/** What tar-stream writes before the content. */
async function headerBytes(header: Header): Promise<Buffer> {
  const tar = pack();
  tar.entry(header).on('error', () => {});
  for await (const bytes of tar) return bytes as Buffer;
  throw new Error(`write the header of ${header.name}: there is none`);
}

export class TarFile {
  readonly #file: FileHandle;
  #end = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<TarFile> {
    return new TarFile(await open(path, 'w+', 0o600));
  }

  async addFolder(name: string): Promise<void> {
    await this.#header({ name: `${name}/`, type: 'directory', mode: 0o700 });
  }

  async add(name: string, content: Buffer): Promise<void> {
    await this.write(content, await this.reserve(name, content.length));
  }

  async addStream(name: string, sizeBytes: number, content: Readable): Promise<void> {
    let at = await this.reserve(name, sizeBytes);
    for await (const bytes of content) {
      await this.write(bytes as Buffer, at);
      at += (bytes as Buffer).length;
    }
  }

  /** Where in the tar the file's content begins; what is not written of it is zero. */
  async reserve(name: string, size: number): Promise<number> {
    await this.#header({ name, size, mode: 0o600 });
    const at = this.#end;
    this.#end += Math.ceil(size / BLOCK) * BLOCK;
    return at;
  }

  async write(bytes: Buffer, at: number): Promise<void> {
    for (let done = 0; done < bytes.length;)
      done += (await this.#file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }

  async read(buffer: Buffer, at: number): Promise<void> {
    for (let done = 0; done < buffer.length;) {
      const { bytesRead } = await this.#file.read(buffer, done, buffer.length - done, at + done);
      if (bytesRead > 0) done += bytesRead;
      else throw new Error(`read the archive back: it ends at byte ${at + done}`);
    }
  }

  async finish(): Promise<void> {
    await this.#file.truncate(this.#end + END_BYTES);
    await this.close();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #header(header: Header): Promise<void> {
    const bytes = await headerBytes(header);
    await this.write(bytes, this.#end);
    this.#end += bytes.length;
  }
}
