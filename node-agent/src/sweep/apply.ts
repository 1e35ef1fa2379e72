/** Does what was decided about a folder of the store. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unreachable } from '@dynamo-snapshot/api/errors';
import { artifactFile, folderPath } from '@dynamo-snapshot/api/layout';
import type { Log } from '@dynamo-snapshot/controller/log';
import type { Metrics } from '@dynamo-snapshot/controller/metrics';
import { removeArtifact } from '../store/directory';
import type { Found, Plan } from './decide';

export interface SweepParts {
  readonly store: string;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'swept'>;
}

export async function apply(
  plan: Plan,
  { ref, kind }: Found,
  { store, log, metrics }: SweepParts,
): Promise<void> {
  const path = folderPath(ref, kind);
  const dir = join(store, path);
  const mark = join(dir, artifactFile.orphaned);
  switch (plan.do) {
    case 'keep':
      return;
    case 'mark':
      log.info(`${path} belongs to no DynamoCheckpoint; it is removed if it stays so`);
      return writeFile(mark, '', { mode: 0o600 });
    case 'unmark':
      return rm(mark, { force: true });
    case 'remove':
      log.warn(`removing ${path}: it belongs to no DynamoCheckpoint`);
      await (kind === 'artifact' ? removeArtifact(dir) : rm(dir, { recursive: true, force: true }));
      metrics.swept.inc();
      return;
    default:
      return unreachable(plan);
  }
}
