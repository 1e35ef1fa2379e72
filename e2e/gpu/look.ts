/** What a person needs to see when something fails, and what the machine says of itself. */
import { execFileSync } from 'node:child_process';
import { explain } from '@dynamo-snapshot/api/errors';
import { processTree } from '@dynamo-snapshot/node-agent/linux/proc';
import { tail, tellProcess } from '../../bench/gpu/diagnose';
import { say } from '../../bench/gpu/say';
import type { Pod } from './pod';
import { pidOf } from './stage';

/** How the processes of each pod stand, and what its container has said last. */
export async function tellPods(pods: readonly Pod[]): Promise<void> {
  for (const pod of pods) {
    say(`${pod.facts.name} said last`, `\n${short(pod.log)}`);
    await pidOf(pod).then(
      (pid) => processTree(pid).forEach(tellProcess),
      (error: unknown) => say(pod.facts.name, explain(error)),
    );
  }
}

const LINES = 15;
/** Of a line. */
const MOST_WORDS = 200;

const short = (log: string): string =>
  tail(log, LINES)
    .split('\n')
    .map((line) => line.slice(0, MOST_WORDS))
    .join('\n');

const QUERY = ['--query-gpu=memory.used', '--format=csv,noheader,nounits'];

/** Of all GPUs; 0 where nvidia-smi does not work, which run.sh tells. */
export function usedGpuBytes(): number {
  try {
    const told = execFileSync('nvidia-smi', QUERY, { encoding: 'utf8', timeout: 20_000 });
    return (
      told
        .trim()
        .split('\n')
        .map(Number)
        .reduce((sum, mib) => sum + mib, 0) *
      2 ** 20
    );
  } catch {
    return 0;
  }
}
