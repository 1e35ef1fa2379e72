/** Which artifacts the store has, as this node sees it. A store that cannot be read is not an empty one. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeReport } from '@dynamo-snapshot/api/doctor';
import { explain } from '@dynamo-snapshot/api/errors';
import { UID } from '@dynamo-snapshot/api/layout';

/** Not `lost+found`, nor the store's own folders, whose names begin with a dot. */
const NAMESPACE = /^[a-z0-9][-a-z0-9]*$/;
const HASH = /^[0-9a-f]{16}$/;
const MANY = 10_000;

type Artifacts = Pick<NodeReport, 'artifacts' | 'storeUnknown'>;

/** <namespace>/<identity hash>/<uid> of everything that is published. */
export function artifactsIn(store: string, most = MANY): Artifacts {
  try {
    const all = published(store);
    if (all.length <= most) return { artifacts: all };
    const storeUnknown = `it has ${all.length} artifacts, and only ${most} are told`;
    return { artifacts: all.slice(0, most), storeUnknown };
  } catch (error) {
    return { artifacts: [], storeUnknown: explain(error) };
  }
}

function published(store: string): readonly string[] {
  const namespaces = folders(store).filter((name) => NAMESPACE.test(name));
  return namespaces
    .flatMap((namespace) => below(store, namespace, HASH))
    .flatMap((hash) => below(store, hash, UID));
}

function below(store: string, path: string, wanted: RegExp): readonly string[] {
  try {
    return folders(join(store, path))
      .filter((name) => wanted.test(name))
      .map((name) => `${path}/${name}`);
  } catch (error) {
    // Removed since its parent was read.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

const folders = (path: string): readonly string[] =>
  readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
