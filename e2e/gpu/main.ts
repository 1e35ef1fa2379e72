/** The engine through a real containerd and runc, as a program: `run [--cpu]` does it, `clean` takes away what a run that was cut off has left. */
import { explain } from '@dynamo-snapshot/api/errors';
import { cleanUp, startNode } from './node';
import { placeOf } from './place';
import { Report } from './report';
import { scenario } from './scenario';

async function run(args: readonly string[]): Promise<number> {
  const place = placeOf(process.env, args);
  const report = new Report(place.out);
  // run.sh tells it to the engine too, which then takes back what it has done.
  process.once('SIGTERM', () => report.stop('the time for it is up'));
  console.log(`${place.gpu ? 'a GPU worker' : 'a CPU worker'} of ${place.gibibytes} GiB`);
  try {
    const node = await startNode(place);
    await scenario(place, node, report)
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
