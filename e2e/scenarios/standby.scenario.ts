import { label } from '@dynamo-snapshot/api/names';
import { ask, asking, count, OTHER_WORKER_IMAGE } from '../workload';
import type { PodStatus } from '../world';
import { restoredCondition, World } from '../world';

interface ConfigMap {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly immutable?: boolean;
}

interface Spec {
  readonly spec: {
    readonly initContainers?: readonly { readonly name: string }[];
    readonly volumes: readonly { readonly configMap?: { readonly name: string } }[];
  };
}

describe('the program of a placeholder', () => {
  const world = new World();
  afterAll(() => world.clean());

  const maps = () => world.kube.list<ConfigMap>('configmaps', `${label.standby}=true`);
  const has = async (pod: string) => {
    const { spec } = await world.kube.get<Spec>('pod', pod);
    const installers = (spec.initContainers ?? []).filter((c) => c.name === 'snapshot-standby').length;
    return { installers, maps: spec.volumes.flatMap((v) => v.configMap?.name ?? []) };
  };
  const restored = async (
    name: string,
    node: string,
    more: { checkpoint?: string; container?: object } = {},
  ) => {
    const { checkpoint = 'standby', container = {} } = more;
    await world.make(asking({ name, node, checkpoint, container: { ...container } }));
    const pod = await world.ready(name);
    expect(restoredCondition(pod)).toMatchObject({ status: 'True', reason: 'RestoreSucceeded' });
    return pod;
  };
  let map = '';

  beforeAll(async () => {
    const source = await world.serving({ name: 'standby', node: world.nodeA });
    await count(source.ip);
    await world.captured('standby', 'standby');
  });

  it('is in one ConfigMap of its namespace, by which it comes, with no init container', async () => {
    const found = await maps();
    expect(found).toEqual([expect.objectContaining({ immutable: true })]);
    map = found[0]?.metadata.name ?? '';
    const pod = await restored('standby-mounted', world.nodeB);
    expect(await has('standby-mounted')).toEqual({ installers: 0, maps: [map] });
    expect(await count(pod.status.podIP)).toBe(2);
  });

  it('is there for a container that restarts, with the ConfigMap gone', async () => {
    await world.kube.delete('configmap', [map]);
    const { status } = await world.kube.get<PodStatus>('pod', 'standby-mounted');
    await ask(status.podIP, '/exit?code=7');
    const restarted = 'jsonpath={.status.containerStatuses[0].restartCount}=1';
    await world.kube.wait('pod', 'standby-mounted', restarted, 60);
    const again = await world.ready('standby-mounted');
    expect(restoredCondition(again)).toMatchObject({ status: 'True' });
    expect(await count(again.status.podIP)).toBe(2);
  });

  it('comes by an installer where somebody has put another program under that name, which is left alone', async () => {
    const other = {
      metadata: { name: map },
      binaryData: { standby: Buffer.from('#!/bin/sh\n').toString('base64') },
    };
    await world.kube.run(
      ['create', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', ...other }),
    );
    const pod = await restored('standby-untrusted', world.nodeB);
    expect(await has('standby-untrusted')).toEqual({ installers: 1, maps: [] });
    expect(await count(pod.status.podIP)).toBe(2);
    expect(await world.kube.get('configmap', map)).toMatchObject({ binaryData: other.binaryData });
    await world.kube.delete('configmap', [map]);
  });

  it('comes by an installer where the ConfigMap is missing, which is there for the next pod', async () => {
    await restored('standby-installed', world.nodeB);
    expect(await has('standby-installed')).toEqual({ installers: 1, maps: [] });
    await world.kube.wait('configmap', map, 'create', 30);
    await restored('standby-next', world.nodeA);
    expect(await has('standby-next')).toEqual({ installers: 0, maps: [map] });
  });

  it('was mounted in a worker that started cold, whose clone has a copy', async () => {
    const container = { image: OTHER_WORKER_IMAGE };
    await world.make(asking({ name: 'standby-cold', node: world.nodeA, checkpoint: 'standby', container }));
    const cold = await world.ready('standby-cold');
    expect(restoredCondition(cold)).toMatchObject({ status: 'False', reason: 'RestoreRefused' });
    expect(await has('standby-cold')).toEqual({ installers: 0, maps: [map] });
    await count(cold.status.podIP);
    await world.captured('standby-cold', 'standby-cold');
    await world.kube.delete('configmap', [map]);
    const clone = await restored('standby-copied', world.nodeB, { checkpoint: 'standby-cold', container });
    expect(await has('standby-copied')).toEqual({ installers: 1, maps: [] });
    expect(await count(clone.status.podIP)).toBe(2);
  });

  it('and its ConfigMap go with the last checkpoint and the last pod that mounts it', async () => {
    await world.kube.wait('configmap', map, 'create', 30);
    await world.clean();
    await world.kube.wait('configmap', map, 'delete', 60);
    expect(await maps()).toEqual([]);
  });
});
