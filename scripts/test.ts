/**
 * `npm test`: everything that this machine can run, and a closing line `N passed, N failed`. A stage that cannot run here is
 * named with the reason. `npm test -- --only unit` runs one stage.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { explain } from '@dynamo-snapshot/api/errors';
import { ensurePackages } from '../e2e/cluster/packages';
import { isVllmInstalled } from '../e2e/engines/vllm/install';

interface Count {
  readonly passed: number;
  readonly failed: number;
}

interface Stage {
  readonly name: string;
  readonly run: () => Promise<Count>;
  /** Why it is not run. */
  readonly unable?: string | undefined;
  /** It is left out where less is left of the time that a whole run may take. */
  readonly leastMinutes?: number;
}

/** A first run builds Kubernetes too, and has an hour for everything: no fault is begun that would end after that. */
const MOST_MINUTES = 52;
const begun = Date.now();
const minutesLeft = (): number =>
  values.only === undefined ? MOST_MINUTES - (Date.now() - begun) / 60_000 : Infinity;

const scratch = mkdtempSync(join(tmpdir(), 'dynamo-snapshot-test-'));
const { values } = parseArgs({ options: { only: { type: 'string' } } });

const withoutRoot = process.getuid?.() === 0 ? undefined : 'a real cluster needs root';

const stages: readonly Stage[] = [
  { name: 'types', run: () => command(['tsc']) },
  { name: 'lint', run: () => command(['eslint', '.']) },
  { name: 'format', run: () => command(['prettier', '--check', '--log-level', 'warn', '.']) },
  { name: 'generated CRDs', run: () => command(['tsx', 'scripts/crds.ts', '--check']) },
  { name: 'reference pages', run: () => command(['tsx', 'scripts/docs.ts', '--check']) },
  { name: 'unit', run: unit },
  { name: 'chart', run: () => jest('chart', ['--config', 'charts/jest.config.cjs']) },
  {
    name: 'memory',
    run: () => jest('memory', ['--config', 'bench/jest.config.cjs', '--runInBand']),
    unable: withoutRoot,
  },
  { name: 'cluster', run: selfcheck, unable: withoutRoot },
  {
    name: 'e2e',
    run: () => jest('e2e', ['--config', 'e2e/jest.config.cjs', '--runInBand']),
    unable: withoutRoot,
  },
  { name: 'containerd', run: containerd, unable: withoutRoot },
  {
    name: 'engines',
    run: () => jest('engines', ['--config', 'e2e/engines/jest.config.cjs', '--runInBand']),
    unable:
      withoutRoot ??
      (values.only === 'engines' || isVllmInstalled()
        ? undefined
        : 'vLLM is not in the cache; npm test -- --only engines brings it (6 GB)'),
  },
  {
    name: 'faults',
    run: faults,
    unable: withoutRoot,
    /** Cluster and images are there; a case takes a quarter of a minute. */
    leastMinutes: 5,
  },
];

async function main(): Promise<void> {
  const total = { passed: 0, failed: 0 };
  for (const stage of stages.filter((s) => values.only === undefined || s.name === values.only)) {
    const late = minutesLeft() < (stage.leastMinutes ?? 0) ? 'the others took too long' : undefined;
    const unable = stage.unable ?? late;
    if (unable !== undefined) {
      console.log(`== ${stage.name}: left out, ${unable}`);
      continue;
    }
    const started = Date.now();
    console.log(`== ${stage.name}`);
    const { passed, failed } = await stage.run();
    console.log(
      `== ${stage.name}: ${passed} passed, ${failed} failed (${Math.round((Date.now() - started) / 1000)} s)`,
    );
    total.passed += passed;
    total.failed += failed;
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
}

async function command(argv: readonly string[]): Promise<Count> {
  return (await exitCode(argv)) === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** standby is tested as it is shipped: the packages bring its compiler. */
async function unit(): Promise<Count> {
  if (withoutRoot === undefined)
    await ensurePackages(console.log).catch((error: unknown) => console.log(explain(error)));
  return jest('unit', []);
}

/** A cluster that comes up and goes leaves nothing; what a run that was cut off has left goes first. */
async function selfcheck(): Promise<Count> {
  const name = ['--name', `check-${process.env['DYNAMO_SNAPSHOT_CLUSTER'] ?? 'test'}`.slice(0, 20)];
  await exitCode(['tsx', 'e2e/cluster/main.ts', 'down', ...name]);
  return command(['tsx', 'e2e/cluster/main.ts', 'selfcheck', ...name]);
}

/** What runs on a GPU machine without Kubernetes, with a stand-in for the GPU's driver and with one for vLLM. */
async function containerd(): Promise<Count> {
  const packed = await exitCode(['tsx', 'e2e/gpu/pack.ts', '--unpacked']);
  if (packed !== 0) return { passed: 0, failed: 1 };
  const [memory, vllm] = [await throughContainerd('memory'), await throughContainerd('vllm-8b')];
  return { passed: memory.passed + vllm.passed, failed: memory.failed + vllm.failed };
}

async function throughContainerd(worker: string): Promise<Count> {
  const out = join(scratch, `containerd-${worker}`);
  const code = await exitCode(['sh', 'dist/e2e-gpu/run.sh', out, '--cpu'], { E2E_WORKER: worker });
  const report = join(out, 'results.json');
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const checks = JSON.parse(readFileSync(report, 'utf8')) as readonly { readonly ok: boolean }[];
  const passed = checks.filter(({ ok }) => ok).length;
  const failed = checks.length - passed;
  return { passed, failed: failed === 0 && code !== 0 ? 1 : failed };
}

/** Every step and every fault at least once, as far as the time allows; the same ones each time. */
async function faults(): Promise<Count> {
  const name = `faults-${process.env['DYNAMO_SNAPSHOT_CLUSTER'] ?? 'test'}`.slice(0, 20);
  const report = join(scratch, 'faults.json');
  const left = minutesLeft();
  const minutes = Number.isFinite(left) ? ['--minutes', left.toFixed(1)] : [];
  const options = ['--count', '32', '--seed', '1', '--name', name, '--report', report, ...minutes];
  const code = await exitCode(['tsx', 'e2e/faults/main.ts', ...options]);
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const { passed, failed } = JSON.parse(readFileSync(report, 'utf8')) as Count;
  return { passed, failed: failed === 0 && code !== 0 ? 1 : failed };
}

/** A run that ended badly without a failed test (a suite that could not load, a set-up that threw) counts as one failure. */
async function jest(name: string, options: readonly string[]): Promise<Count> {
  const report = join(scratch, `${name}.json`);
  const program = ['node', '--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
  const code = await exitCode([...program, ...options, '--json', '--outputFile', report]);
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(
    readFileSync(report, 'utf8'),
  ) as Record<string, number>;
  const failed = (numFailedTests ?? 0) + (numRuntimeErrorTestSuites ?? 0);
  return { passed: numPassedTests ?? 0, failed: failed === 0 && code !== 0 ? 1 : failed };
}

function exitCode(
  [file = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    // Jest's --json prints its report on stdout too; the file is enough.
    const child = spawn(file, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', args.includes('--json') ? 'ignore' : 'inherit', 'inherit'],
    });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

void main();
