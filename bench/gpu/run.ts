/** Runs cases one after the other, each in a process group of its own that is ended at its limit; a case that fails does not stop the rest. */
import { spawn } from 'node:child_process';
import { createWriteStream, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Case } from './cases';
import type { Place } from './place';
import { fractions } from './fractions';
import { bars, plot } from './plot';
import { table } from './table';

export interface CaseResult {
  readonly name: string;
  readonly ended: 'done' | 'failed' | 'late';
  readonly seconds: number;
  readonly result?: unknown;
}

export async function runAll(place: Place, cases: readonly Case[]): Promise<number> {
  const results: CaseResult[] = [];
  for (const one of cases) {
    console.log(`=== ${one.name} (at most ${one.limitSeconds} s)`);
    results.push(await runCase(place, one));
    write(place, results);
    cleanUp(place);
  }
  console.log(report(results));
  for (const { name, ended, seconds } of results) console.log(`${ended.padEnd(7)} ${name} ${seconds} s`);
  return results.every((r) => r.ended === 'done') ? 0 : 1;
}

/** After every case: what a later one breaks off is not lost. */
function write({ out }: Place, results: readonly CaseResult[]): void {
  writeFileSync(join(out, 'results.json'), JSON.stringify(results, undefined, 1));
  writeFileSync(join(out, 'results.md'), report(results));
  writeFileSync(join(out, 'seconds.svg'), plot(bars(results)));
}

const report = (results: readonly CaseResult[]): string => `${table(results)}${fractions(results)}`;

function runCase(place: Place, { name, limitSeconds }: Case): Promise<CaseResult> {
  const from = performance.now();
  const log = createWriteStream(join(place.out, `${name}.log`));
  const child = spawn(process.execPath, [process.argv[1] ?? '', 'case', name], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let result: unknown;
  let late = false;
  for (const pipe of [child.stdout, child.stderr])
    createInterface({ input: pipe }).on('line', (line) => {
      if (line.startsWith('RESULT ')) result = JSON.parse(line.slice('RESULT '.length));
      else console.log(`  ${line}`);
      log.write(`${line}\n`);
    });
  const timer = setTimeout(() => {
    late = true;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, limitSeconds * 1000);
  return new Promise((resolve) =>
    child.on('exit', (code) => {
      clearTimeout(timer);
      log.end();
      const ended = late ? 'late' : code === 0 ? 'done' : 'failed';
      const seconds = Math.round((performance.now() - from) / 100) / 10;
      resolve({ name, ended, seconds, ...(result === undefined ? {} : { result }) });
    }),
  );
}

/** Workers that a case left, by our own cgroups; images that nobody wants any more. */
function cleanUp(place: Place): void {
  for (const group of folders(place.cgroup))
    for (const pid of members(join(place.cgroup, group))) if (pid > 1) kill(pid);
  for (const dir of folders(place.images)) rmSync(join(place.images, dir), { recursive: true, force: true });
}

const folders = (dir: string): readonly string[] => {
  try {
    return readdirSync(dir, { withFileTypes: true })
      .filter((d) => d.isDirectory())
      .map((d) => d.name);
  } catch {
    return [];
  }
};

const members = (group: string): readonly number[] =>
  readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
