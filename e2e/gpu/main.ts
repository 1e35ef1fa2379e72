/** The engine through a real containerd and runc, as a program: `run [--cpu]` does it, `clean` takes away what a run that was cut off has left. */
import { explain } from '@dynamo-snapshot/api/errors';
import { cleanUp, startNode } from './node';
import type { Node } from './node';
import type { Place } from './place';
import { placeOf } from './place';
import { Report } from './report';
import { scenario } from './scenario';
import { vllmScenario } from './vllm';

const play = (place: Place, node: Node, report: Report): Promise<void> =>
  place.vllm === undefined ? scenario(place, node, report) : vllmScenario(place, place.vllm, node, report);

function workerOf({ gpu, gibibytes, vllm }: Place): string {
  if (vllm === undefined)
    return `a worker with ${gibibytes} GiB on ${gpu ? 'a GPU' : 'the stand-in for a GPU'}`;
  return gpu ? `vLLM with a model of ${vllm.model.shape}` : 'a stand-in for vLLM';
}

async function run(args: readonly string[]): Promise<number> {
  const place = placeOf(process.env, args);
  const report = new Report(place.out);
  // run.sh tells it to the engine too, which then takes back what it has done.
  process.once('SIGTERM', () => report.stop('the time for it is up'));
  console.log(workerOf(place));
  try {
    const node = await startNode(place);
    await play(place, node, report)
      .catch((error: unknown) => report.broke('the rest', error))
      .finally(() => node.stop());
  } catch (error) {
    report.broke('containerd', error);
  }
  await cleanUp().then(
    (left) => report.told('nothing is left', left === 0, `${left} processes had to be ended`),
    (error: unknown) => report.broke('nothing is left', error),
  );
  console.log(report.summary());
  return report.passed ? 0 : 1;
}

async function main([verb, ...args]: readonly string[]): Promise<number> {
  if (verb === 'run') return run(args);
  if (verb !== 'clean') throw new Error('usage: main run [--cpu] | clean');
  const left = await cleanUp();
  if (left > 0) console.log(`${left} processes had to be ended`);
  return left > 0 ? 1 : 0;
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(explain(error));
    process.exit(1);
  },
);
