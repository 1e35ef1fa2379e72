/** An archive becomes a checkpoint of this cluster, in the order that makes each step safe to take back: see `Upload`. */
import { humanBytes } from '@dynamo-snapshot/api/quantity';
import { archiveEntries } from '../archive/read';
import { receive } from '../archive/receive';
import { anyAgent } from '../artifact/agents';
import { Upload } from '../artifact/upload';
import { exitCode } from '../exit';
import type { Session } from '../session';
import type { ImportOptions } from './import';

export async function importToStore(session: Session, file: string, options: ImportOptions): Promise<number> {
  const agent = await anyAgent(session);
  let upload: Upload | undefined;
  try {
    const { manifest } = await receive(archiveEntries(file), async (first) => {
      upload = await Upload.begin(session, agent, first, options);
      return upload.put;
    });
    const name = await upload?.finish(manifest);
    session.world.out.write(
      `checkpoint ${name} in namespace ${session.namespace}: Ready, ${humanBytes(manifest.sizeBytes)}\n`,
    );
    return exitCode.ok;
  } catch (error) {
    await upload?.takeBack();
    throw error;
  }
}
