import { metricTable } from '@dynamo-snapshot/controller/metrics';
import type { PodStatus } from '../world';
import { World } from '../world';

describe('the metrics', () => {
  const world = new World();
  afterAll(() => world.clean());

  const scraped = async (component: string) => {
    const pods = await world.kube.list<PodStatus>('pod', `app.kubernetes.io/component=${component}`);
    const texts = pods.map(async ({ status }) => (await fetch(`http://${status.podIP}:8081/metrics`)).text());
    return (await Promise.all(texts)).join('\n');
  };
  const names = (text: string) =>
    new Set(text.match(/^dynamo_snapshot_\w+?(?=(_bucket|_sum|_count)?[{ ])/gm));

  it('of both programs tell of a capture, under the names of the table', async () => {
    await world.serving({ name: 'metrics', node: world.nodeA });
    await world.captured('metrics', 'metrics');
    const [operator, agent] = await Promise.all([scraped('operator'), scraped('agent')]);
    expect(agent).toMatch(
      /^dynamo_snapshot_operations_total\{operation="Capture",outcome="succeeded",reason=""\} [1-9]/m,
    );
    expect(agent).toMatch(/^dynamo_snapshot_step_seconds_count\{operation="Capture",step="paused"\} [1-9]/m);
    expect(agent).toMatch(/^dynamo_snapshot_bytes_total\{operation="Capture"\} [1-9]/m);
    expect(operator).toMatch(/^dynamo_snapshot_checkpoints\{phase="Ready"\} [1-9]/m);
    expect(operator.match(/^dynamo_snapshot_leading 1$/gm)).toHaveLength(1);
    const known = new Set<string>(Object.values(metricTable).map((m) => m.name));
    for (const name of [...names(operator), ...names(agent)]) expect(known).toContain(name);
  }, 300_000);
});
