import { anyAgent } from '../../src/artifact/agents';
import { Session } from '../../src/session';
import type { World } from '../../src/session';
import { Stage } from '../stage';

let stage: Stage;
beforeEach(async () => {
  stage = new Stage();
  await stage.open();
});
afterEach(() => stage.close());

/** The first that is listed is the first that is made. */
function agent(name: string, watches?: string, ready = true): void {
  const env = [
    { name: 'SNAPSHOT_STORE', value: `/${name}` },
    ...(watches === undefined ? [] : [{ name: 'WATCH_NAMESPACE', value: watches }]),
  ];
  stage.server.store.create('api/v1/pods', 'dynamo', {
    metadata: { name, labels: { 'app.kubernetes.io/component': 'agent' } },
    spec: { containers: [{ name: 'log' }, { name: 'agent', env }] },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  } as never);
}

const found = () =>
  anyAgent(
    new Session({ connect: () => stage.server.config } as unknown as World, {
      namespace: 'team-b',
      output: 'table',
    }),
  );

it('is of the release that watches the namespace, whichever is listed first', async () => {
  agent('a', 'team-a');
  agent('all', '');
  agent('b', 'team-b');
  expect(await found()).toEqual({ namespace: 'dynamo', name: 'b', container: 'agent', store: '/b' });
});

it.each([['' as string | undefined], [undefined]])(
  'is of the release for all namespaces (%p) where none has the namespace alone',
  async (watches) => {
    agent('a', 'team-a');
    agent('all', watches);
    expect(await found()).toMatchObject({ name: 'all' });
  },
);

it.each<[string, () => void]>([
  ['there are those of other namespaces alone', () => agent('a', 'team-a')],
  [
    'its own release is down: that for all has another store',
    () => {
      agent('b', 'team-b', false);
      agent('all', '');
    },
  ],
])('is missed where %s', async (_, plant) => {
  plant();
  await expect(found()).rejects.toThrow(
    'no agent of a release that watches namespace team-b is ready, and only such an agent reaches its store: kubectl snapshot doctor tells why',
  );
});
