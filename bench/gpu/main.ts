/**
 * The bench as a program: `run CASE…` runs each case in a process of its own with a time limit, and writes log, JSON, table and plot;
 * `case NAME` is one of them. It works on any Linux machine with an NVIDIA driver; run.sh unpacks and starts it.
 */
import { explain } from '@dynamo-snapshot/api/errors';
import { caseNamed, casesOf } from './cases';
import { killable } from './kill';
import { placeOf } from './place';
import { runAll } from './run';
import { soFar } from './say';

async function main([verb, ...names]: readonly string[]): Promise<number> {
  const place = placeOf(process.env);
  if (verb === 'case') {
    const result = await caseNamed(names[0] ?? '').run(place);
    soFar(result);
    return 0;
  }
  if (verb === 'killable') {
    const [dir = '', pid, bytes] = names;
    await killable(place, dir, Number(pid), Number(bytes));
    return 0;
  }
  if (verb === 'run') return runAll(place, casesOf(names));
  throw new Error('usage: bench run [CASE…] | case NAME');
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(explain(error));
    process.exit(1);
  },
);
