/** Packs argv[2] into argv[3] while argv[4], a file in it, grows: run by pack.test.ts as a process of its own. */
import { appendFileSync } from 'node:fs';
import { packFolder } from '../../src/files/pack';

const [, , dir = '', tarFile = '', growing = ''] = process.argv;
packFolder({ root: dir, path: '/', mountPoints: [], tarFile }).then(
  (entries) => console.log(`packed ${entries}`),
  (error: unknown) => console.log(`refused: ${String(error)}`),
);
appendFileSync(growing, 'one more line');
