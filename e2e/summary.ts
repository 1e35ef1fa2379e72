/** What a node's kubelet measures of the containers on it. */
import type { Kube } from './kube';

interface Summary {
  readonly pods: readonly {
    readonly podRef: { readonly name: string };
    readonly containers?: readonly {
      readonly name: string;
      readonly memory?: { readonly rssBytes?: number };
    }[];
  }[];
}

/** Of one container of each pod whose name begins so. */
export async function rssBytes(
  kube: Kube,
  nodes: readonly string[],
  podPrefix: string,
  container: string,
): Promise<readonly number[]> {
  const ofNodes = nodes.map(async (node) => {
    const text = await kube.run(['get', '--raw', `/api/v1/nodes/${node}/proxy/stats/summary`]);
    const pods = (JSON.parse(text) as Summary).pods.filter(({ podRef }) => podRef.name.startsWith(podPrefix));
    return pods.map((p) => p.containers?.find((c) => c.name === container)?.memory?.rssBytes ?? Number.NaN);
  });
  return (await Promise.all(ofNodes)).flat();
}
