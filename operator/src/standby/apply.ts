/** Does what was decided about the ConfigMaps of a namespace. */
import { explain, unreachable } from '@dynamo-snapshot/api/errors';
import { statusOf } from '@dynamo-snapshot/controller/api';
import type { Log } from '@dynamo-snapshot/controller/log';
import type { Outcome } from '@dynamo-snapshot/controller/queue';
import type { ConfigMaps } from './config-maps';
import type { Plan, Step } from './decide';
import type { Program } from './program';

const FORBIDDEN = 403;
/** Roles are given later, or never; the installer does as well. */
const LOOK_AGAIN_MS = 300_000;

export interface Where {
  readonly namespace: string;
  readonly program: Program;
  readonly maps: Pick<ConfigMaps, 'create' | 'remove'>;
  readonly log: Log;
}

export async function apply(
  { steps, warning, requeueAfterMs }: Plan,
  where: Where,
): Promise<Outcome | undefined> {
  const { namespace, log } = where;
  if (warning !== undefined) log.warn(`placeholders get an installer: ${warning}`, { namespace });
  for (const step of steps) await take(step, where);
  return requeueAfterMs === undefined ? undefined : { requeueAfterMs };
}

async function take(step: Step, { namespace, program, maps, log }: Where): Promise<void> {
  switch (step.do) {
    case 'create':
      await maps.create(namespace, program);
      return void log.info(`made configmap ${namespace}/${program.name}`);
    case 'remove':
      await maps.remove(namespace, step.name, step.uid);
      return void log.info(`removed configmap ${namespace}/${step.name}`);
    default:
      return unreachable(step);
  }
}

/** No right to do it, or a namespace that ends and takes nothing new: said, and left for later. */
export async function orLater(
  work: () => Promise<Outcome | undefined>,
  { namespace, log }: Pick<Where, 'namespace' | 'log'>,
): Promise<Outcome | undefined> {
  try {
    return await work();
  } catch (error) {
    if (statusOf(error) !== FORBIDDEN) throw error;
    log.warn(`placeholders get an installer: ${explain(error)}`, { namespace });
    return { requeueAfterMs: LOOK_AGAIN_MS };
  }
}
