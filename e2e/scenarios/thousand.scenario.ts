import { setTimeout as delay } from 'node:timers/promises';
import { identityHash } from '@dynamo-snapshot/api/identity';
import { API_VERSION, ASSIGNMENT, CHECKPOINT, GROUP, VERSION } from '@dynamo-snapshot/api/names';
import { Api } from '@dynamo-snapshot/controller/api';
import { CustomObjectsApi, KubeConfig } from '@kubernetes/client-node';
import { FULL_NAME } from '../chart';
import { Operators } from '../operators';
import { rssBytes } from '../summary';
import { checkpointOf } from '../workload';
import type { CheckpointObject } from '../world';
import { World } from '../world';

const READY = 1000;
const NEW = 5;
const MB = 1e6;
const MARK = 'e2e.dynamo-snapshot/thousand';
const AT_ONCE = 20;

describe('a namespace with a thousand DynamoCheckpoints', () => {
  const world = new World();
  const { kube, namespace } = world;
  const ours = { group: GROUP, version: VERSION, namespace };
  const config = new KubeConfig();
  config.loadFromFile(kube.env['KUBECONFIG'] ?? '');
  const api = new Api(config, 'e2e');
  let operators: Operators;

  /** By no program that would have to start first. */
  async function create(name: string, podName: string) {
    const ref = { ...ours, plural: CHECKPOINT.plural, name };
    const head = { apiVersion: API_VERSION, kind: CHECKPOINT.kind };
    const { spec } = checkpointOf(name, podName);
    await api.create(ref, { ...head, metadata: { name, labels: { [MARK]: '' } }, spec });
    return { ref, head };
  }

  /** Ready, with an artifact of its own, as if it had been captured once. */
  async function makeReady(i: number): Promise<void> {
    const name = `thousand-${i}`;
    const { ref, head } = await create(name, 'thousand-nobody');
    const hash = identityHash({ model: `e2e/${name}`, backendFramework: 'generic' });
    const uid = `${String(i).padStart(8, '0')}-0000-4000-8000-000000000000`;
    const artifact = { uid, digest: `sha256:${'d'.repeat(64)}`, sizeBytes: 1e9, size: '954Mi', version: 1 };
    const status = { phase: 'Ready', identityHash: hash, artifact, createdAt: new Date().toISOString() };
    await api.applyStatus(ref, { ...head, metadata: { name }, status });
  }

  beforeAll(async () => {
    operators = await Operators.of(kube);
    // They come to all of them at once, as after an upgrade.
    await operators.takeAway();
    const all = Array.from({ length: READY }, (_, i) => i);
    const maker = async (): Promise<void> => {
      for (let i = all.pop(); i !== undefined; i = all.pop()) await makeReady(i);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, maker));
    await operators.bringBack();
    await world.serving({ name: 'thousand', node: world.nodeA });
  }, 300_000);

  afterAll(async () => {
    await operators.bringBack();
    await world.clean();
    await config.makeApiClient(CustomObjectsApi).deleteCollectionNamespacedCustomObject({
      ...{ ...ours, plural: CHECKPOINT.plural },
      labelSelector: MARK,
    });
  }, 200_000);

  it('gives a new one its assignment within a second, at the median', async () => {
    const seconds: number[] = [];
    for (let i = 0; i < NEW; i++) {
      const name = `thousand-new-${i}`;
      const from = performance.now();
      await create(name, 'thousand');
      await assigned(name);
      seconds.push((performance.now() - from) / 1000);
      await kube.delete(CHECKPOINT.singular, [name], 60);
    }
    const sorted = [...seconds].sort((a, b) => a - b);
    console.error(
      `created -> assigned, with ${READY} others: ${seconds.map((s) => s.toFixed(2)).join(', ')} s`,
    );
    expect(sorted[Math.floor(NEW / 2)]).toBeLessThanOrEqual(1);
  }, 200_000);

  it('is listed by kubectl', async () => {
    const from = performance.now();
    const lines = (await kube.run(['get', 'checkpoints', '--no-headers'])).trim().split('\n');
    console.error(`kubectl get checkpoints: ${((performance.now() - from) / 1000).toFixed(2)} s`);
    const ready = lines.filter((line) =>
      /^thousand-\d+ +e2e\/thousand-\d+ +generic +Ready +954Mi /.test(line),
    );
    expect(ready).toHaveLength(READY);
  });

  it('is held by an operator in less than 250 MB', async () => {
    const used = await rssBytes(kube, [world.nodeA, world.nodeB], `${FULL_NAME}-operator-`, 'operator');
    console.error(`operators hold ${used.map((bytes) => `${(bytes / MB).toFixed(0)} MB`).join(' and ')}`);
    expect(used.length).toBeGreaterThan(0);
    for (const bytes of used) {
      expect(bytes / MB).toBeGreaterThan(20);
      expect(bytes / MB).toBeLessThan(250);
    }
  });

  async function assigned(checkpoint: string): Promise<void> {
    const made = await api.get<CheckpointObject>({ ...ours, plural: CHECKPOINT.plural, name: checkpoint });
    const name = `capture-${checkpoint}-${made?.metadata.uid.slice(0, 8) ?? ''}`;
    const limit = AbortSignal.timeout(30_000);
    while ((await api.get({ ...ours, plural: ASSIGNMENT.plural, name })) === undefined) {
      limit.throwIfAborted();
      await delay(10);
    }
  }
});
