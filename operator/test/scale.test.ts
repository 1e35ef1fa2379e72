/** A namespace with a thousand Ready checkpoints, against an API server over http: what a new one waits for, and what they weigh. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { ApiServer } from '../../controller/test/apiserver';
import { until } from '../../controller/test/until';
import type { SnapshotOperator } from '../src/operator';
import { leading } from './leading';
import { checkpoint, pod } from './objects';

const READY = 1000;
const NEW = 20;
const CHECKPOINTS = 'apis/nvidia.com/v1alpha1/dynamocheckpoints';
const ASSIGNMENTS = 'apis/nvidia.com/v1alpha1/snapshotassignments';

let server: ApiServer;
let operator: SnapshotOperator;
const term = new AbortController();

/** Of an identity of its own. */
function put(name: string, podName: string, status?: DynamoCheckpoint['status']): void {
  const { metadata, ...rest } = checkpoint({
    metadata: { name },
    spec: { identity: { model: name, backendFramework: 'vllm' }, source: { podName } },
    ...(status ? { status } : {}),
  });
  server.store.create(CHECKPOINTS, 'ns', {
    ...rest,
    metadata: { ...metadata, finalizers: [...(metadata.finalizers ?? [])] },
  } as never);
}

beforeAll(async () => {
  server = new ApiServer();
  await server.listen();
  const artifact = { digest: `sha256:${'d'.repeat(64)}`, sizeBytes: 1e9, size: '1G', version: 1 };
  for (let i = 0; i < READY; i++)
    put(`ready-${i}`, `gone-${i}`, {
      phase: 'Ready',
      artifact: { uid: `${i}`, ...artifact },
      createdAt: '2026-01-01T00:00:00Z',
    });
  for (let i = 0; i < NEW; i++) server.store.create('api/v1/pods', 'ns', pod(`src-${i}`) as never);
  operator = await leading(server, term.signal);
}, 60_000);

afterAll(async () => {
  term.abort();
  await operator.shutdown();
  await server.close();
});

const assigned = (i: number) =>
  server.store
    .list(ASSIGNMENTS)
    .some((a) => (a['spec'] as { checkpoint: { name: string } }).checkpoint.name === `new-${i}`);

it('gives a new checkpoint its assignment within a second, a thousand others notwithstanding', async () => {
  const took: number[] = [];
  for (let i = 0; i < NEW; i++) {
    const from = performance.now();
    put(`new-${i}`, `src-${i}`);
    await until(`new-${i} is assigned`, () => assigned(i), 20_000);
    took.push(performance.now() - from);
  }
  const median = took.sort((a, b) => a - b)[NEW / 2] ?? Infinity;
  console.log(`median ${median.toFixed(0)} ms of ${NEW}, ${READY} others`);
  expect(median).toBeLessThan(1000);
}, 120_000);

it('writes nothing to those that are Ready', () => {
  const written = server.seenWith('PATCH').filter((s) => s.path.includes('/ready-'));
  expect(written).toEqual([]);
});
