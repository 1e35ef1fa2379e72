/** Sweeps the store of what nobody owns any more: what a namespace that was deleted, a node that was lost or a removed finalizer has left. */
import { explain } from '@dynamo-snapshot/api/errors';
import type { Clock } from '@dynamo-snapshot/api/time';
import type { Api } from '@dynamo-snapshot/controller/api';
import { pause } from '@dynamo-snapshot/controller/lease';
import type { SweepConfig } from '../config';
import type { SweepParts } from './apply';
import { apply } from './apply';
import type { Owned } from './decide';
import { decide } from './decide';
import type { Folder } from './observe';
import { folders, look, ownedIn } from './observe';
import { Turn } from './turn';

export interface SweeperParts extends SweepParts {
  readonly api: Pick<Api, 'get' | 'create' | 'patch' | 'list'>;
  readonly clock: Clock;
  readonly config: SweepConfig;
  /** Empty = all. */
  readonly watchNamespace: string;
  readonly ownNamespace: string;
  /** Of this process. */
  readonly holder: string;
  /** 0 to 1: agents that start together do not ask together. */
  readonly random: () => number;
}

/** Again and again, until the signal. */
export async function sweeping(parts: SweeperParts, signal: AbortSignal): Promise<void> {
  const { config, log, random } = parts;
  while (!signal.aborted) {
    await pause(config.everyMs * (0.5 + random() / 2), signal);
    if (signal.aborted) return;
    await sweepInTurn(parts, signal).catch((error: unknown) =>
      log.warn(`sweep of the store: ${explain(error)}`),
    );
  }
}

async function sweepInTurn(parts: SweeperParts, signal: AbortSignal): Promise<void> {
  const { api, holder, clock, config, ownNamespace: namespace } = parts;
  const turn = new Turn({ api, namespace, holder, clock, everyMs: config.everyMs });
  if (!(await turn.take())) return;
  try {
    await sweep(parts, () => turn.keep(), signal);
  } finally {
    await turn.end();
  }
}

/** `mayGoOn` is asked before each removal. */
export async function sweep(
  parts: SweeperParts,
  mayGoOn: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  const { store, watchNamespace, clock, config } = parts;
  const all = await folders(store, watchNamespace);
  const owned = await owners(all, parts);
  for (const folder of all) {
    if (signal.aborted) return;
    const { namespace, uid } = folder.ref;
    const ofNamespace = owned.get(namespace);
    const found = await look(store, folder, ofNamespace?.has(uid) !== false);
    if (found === undefined) continue;
    const plan = decide(found, ofNamespace, clock.now(), config.graceMs);
    if (plan.do === 'remove' && !(await mayGoOn())) return;
    await apply(plan, found, parts);
  }
}

/** A namespace of which the API server says nothing is left out. */
async function owners(
  all: readonly Folder[],
  { api, log }: SweeperParts,
): Promise<ReadonlyMap<string, Owned>> {
  const owned = new Map<string, Owned>();
  for (const namespace of new Set(all.map(({ ref }) => ref.namespace)))
    await ownedIn(api, namespace).then(
      (uids) => owned.set(namespace, uids),
      (error: unknown) => log.warn(`sweep leaves namespace ${namespace} alone: ${explain(error)}`),
    );
  return owned;
}
