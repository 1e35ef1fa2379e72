/** The program of `helm test`: a line for each part of the installation; exit 1 where one does not work. */
import { explain } from '@dynamo-snapshot/api/errors';
import { connect } from '@dynamo-snapshot/controller/process';
import { decide } from './decide';
import { observe } from './observe';

const env = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: the chart's test pod sets it`);
  return value;
};

async function main(): Promise<void> {
  const seen = await observe(connect(), {
    namespace: env('NAMESPACE'),
    release: env('RELEASE'),
    operator: env('OPERATOR'),
    agent: env('AGENT'),
    store: env('STORE'),
  });
  const findings = decide(seen);
  for (const { ok, text } of findings) console.log(`${ok ? 'ok    ' : 'FAILED'} ${text}`);
  if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.log(`FAILED ${explain(error)}`);
  process.exitCode = 1;
});
