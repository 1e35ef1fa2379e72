/** What is shipped validates as what is tested: the validators that esbuild's plugin has compiled, and those of the source. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { schemas, validatorOf } from '@dynamo-snapshot/api/validators';
import type { SchemaName } from '@dynamo-snapshot/api/validators';

const BUILD = `
import { build } from 'esbuild';
import { validators } from './scripts/validators.mjs';
const [outfile] = process.argv.slice(1);
await build({ entryPoints: ['api/src/validators.ts'], outfile, bundle: true, platform: 'node', format: 'cjs', plugins: [validators] });
`;
const names = Object.keys(schemas) as SchemaName[];

let dir: string;
let shipped: (name: SchemaName) => ReturnType<typeof validatorOf>;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'validators-'));
  const file = join(dir, 'validators.cjs');
  execFileSync(process.execPath, ['--input-type=module', '-e', BUILD, file]);
  shipped = (createRequire(file)(file) as { validatorOf: typeof shipped }).validatorOf;
});
afterAll(() => rmSync(dir, { recursive: true }));

const artifact = { namespace: 'a', identityHash: '0123456789abcdef', uid: 'not a uid' };
const values: readonly unknown[] = [
  ...[undefined, null, 1, 'text', [], {}],
  { nodeName: 'n', operation: 'Capture', checkpoint: { name: 'c' }, deadlineSeconds: 1 },
  { nodeName: 'n', operation: 'Destroy', checkpoint: {}, deadlineSeconds: 0.5, pod: { name: '' } },
  { identity: { model: 'm', backendFramework: 'vllm' }, source: { podName: 'p' } },
  { identity: { model: '', backendFramework: 'none' }, capture: { timeoutSeconds: -1 } },
  { version: 1, createdAt: 'yesterday', artifact, files: [{ path: 7 }] },
  { artifactDigest: '', restoredPid: 22, hostPid: 4711, steps: [] },
  { deleted: ['etc/gone'], opaque: [], entries: 0 },
];

it.each(names)('%s', (name) => {
  const [built, source] = [shipped(name), validatorOf(name)];
  for (const value of values) {
    const verdict = source(value);
    expect([built(value), built.errors]).toEqual([verdict, source.errors]);
  }
  // A validator that takes anything would pass as well.
  expect(built({ [name]: 1 }) && built(null)).toBe(false);
});
