import { API_VERSION, CHECKPOINT } from '@dynamo-snapshot/api/names';
import { inNode, up } from '../cluster/cluster';
import type { KubeObject } from '../kube';
import { asking, count, WORKER_IMAGE } from '../workload';
import type { CheckpointObject } from '../world';
import { clusterName, restoredCondition, World } from '../world';

type Scaled = KubeObject & { readonly spec: { readonly replicas: number } };

/** The image of the documented examples; here the stand-in worker has its name. */
const IMAGE = 'registry.example.com/dynamo/vllm-placeholder:1.0.0';
const GPU = 'nvidia.com/gpu';

/** As the users of Dynamo 1.0 are told to write it: a GPU is asked for, no node is named, no probe, no volume. */
const documented = (name: string, identity: object): KubeObject => ({
  apiVersion: API_VERSION,
  kind: CHECKPOINT.kind,
  metadata: { name },
  spec: {
    identity: { model: 'Qwen/Qwen3-0.6B', backendFramework: 'vllm', ...identity },
    job: {
      activeDeadlineSeconds: 3600,
      backoffLimit: 3,
      ttlSecondsAfterFinished: 300,
      podTemplateSpec: {
        spec: {
          restartPolicy: 'Never',
          containers: [
            {
              name: 'main',
              image: IMAGE,
              command: ['python3', '-m', 'dynamo.vllm'],
              args: ['--model', 'Qwen/Qwen3-0.6B', '--disable-custom-all-reduce'],
              env: [
                { name: 'GLOO_SOCKET_IFNAME', value: 'lo' },
                { name: 'NCCL_SOCKET_IFNAME', value: 'lo' },
              ],
              resources: { limits: { [GPU]: '1' } },
            },
          ],
        },
      },
    },
  },
});

describe("the DynamoCheckpoints of upstream's documentation", () => {
  const world = new World();
  const gpus = async (count: number) => {
    const gpu = { [GPU]: count === 0 ? null : String(count) };
    const patch = { status: { capacity: gpu, allocatable: gpu } };
    for (const node of [world.nodeA, world.nodeB])
      await world.kube.run([
        ...['patch', 'node', node, '--subresource=status', '--type=merge', '-p', JSON.stringify(patch)],
      ]);
  };

  const onNodes = async (images: readonly string[]) => {
    const { nodes } = await up(clusterName, () => {});
    for (const node of nodes) await inNode(node, ['ctr', '--namespace', 'k8s.io', 'images', ...images]);
  };

  beforeAll(async () => {
    await onNodes(['tag', '--force', WORKER_IMAGE, IMAGE]);
    await gpus(1);
  });
  afterAll(async () => {
    await world.clean();
    await gpus(0);
    await onNodes(['rm', IMAGE]);
  });

  it.each([
    ['0d888542e79d9df4', 'qwen3-06b', {}],
    ['0ef92fc0f7239834', 'qwen3-06b-bf16', { tensorParallelSize: 1, dtype: 'bfloat16', maxModelLen: 4096 }],
  ])(
    'are applied unchanged, become Ready, and have the documented hash %s',
    async (hash, name, identity) => {
      await world.make(documented(name, identity));
      const { status } = await world.checkpointReady(name, 180);
      expect(status?.identityHash).toBe(hash);
      const table = await world.kube.run(['get', 'dckpt', name, '--no-headers']);
      expect(table).toMatch(new RegExp(`^${name} +Qwen/Qwen3-0.6B +vllm +Ready .* ${hash} `));
      const [found] = await world.kube.list<KubeObject>(
        'dckpt',
        `nvidia.com/snapshot-checkpoint-hash=${hash}`,
      );
      expect(found?.metadata.name).toBe(name);
    },
    240_000,
  );

  it('are captured anew where an operator of upstream has left them Ready, with nothing of ours', async () => {
    const operator = ['deployment', '-l', 'app.kubernetes.io/component=operator'];
    const pods = ['pod', '-l', 'app.kubernetes.io/component=operator'];
    const [before] = await world.kube.list<Scaled>('deployments', operator[2]);
    await world.kube.run(['scale', ...operator, '--replicas=0']);
    await world.kube.run(['wait', ...pods, '--for=delete', '--timeout=60s'], '', 70);
    await world.make(documented('left', { dtype: 'float16' }));
    const status = { phase: 'Ready', jobName: 'checkpoint-left', location: '/checkpoints/0123456789abcdef' };
    const left = ['dckpt', 'left', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })];
    await world.kube.run(['patch', ...left]);
    await world.kube.run(['scale', ...operator, `--replicas=${before?.spec.replicas}`]);
    await world.kube.wait('dynamocheckpoint', 'left', 'jsonpath={.status.artifact.version}=2', 180);
    const anew = await world.kube.get<CheckpointObject>('dynamocheckpoint', 'left');
    expect(anew.status).toMatchObject({ phase: 'Ready', jobName: 'checkpoint-left-2' });
  }, 300_000);

  it('are restored from by the labels that upstream puts on its pods', async () => {
    const image = { image: IMAGE, command: ['python3', '-m', 'dynamo.vllm'], volumeMounts: [] };
    const made = asking({ name: 'qwen3-clone', node: world.nodeB, checkpoint: '', container: image });
    const labels = {
      'nvidia.com/snapshot-is-restore-target': 'true',
      'nvidia.com/snapshot-checkpoint-hash': '0ef92fc0f7239834',
    };
    const spec = { ...(made['spec'] as object), volumes: [] };
    await world.make({ ...made, metadata: { name: 'qwen3-clone', labels }, spec });
    const pod = await world.ready('qwen3-clone');
    expect(restoredCondition(pod)).toMatchObject({ status: 'True', reason: 'RestoreSucceeded' });
    expect(await count(pod.status.podIP)).toBe(1);
  }, 120_000);
});
