/** Which devices the kubelet has given to a container: its PodResources API v1 (KEP 606), a gRPC service on a socket of the node. */
import { existsSync } from 'node:fs';
import { during } from '@dynamo-snapshot/api/errors';
import { GrpcService } from '../runtime/grpc';

/** Of k8s.io/kubelet/pkg/apis/podresources/v1 what we read. */
const proto = `
syntax = "proto3";
package v1;
message ListRequest {}
message ListResponse { repeated PodResources pod_resources = 1; }
message PodResources { string name = 1; string namespace = 2; repeated ContainerResources containers = 3; }
message ContainerResources { string name = 1; repeated ContainerDevices devices = 2; repeated DynamicResource dynamic_resources = 5; }
message ContainerDevices { string resource_name = 1; repeated string device_ids = 2; }
message DynamicResource { string claim_name = 2; repeated ClaimResource claim_resources = 4; }
message ClaimResource { string driver_name = 2; string device_name = 4; }
`;

const DEADLINE_MS = 10_000;

interface ListAnswer {
  readonly pod_resources: readonly {
    readonly name: string;
    readonly namespace: string;
    readonly containers: readonly {
      readonly name: string;
      readonly devices: readonly { readonly resource_name: string; readonly device_ids: readonly string[] }[];
      readonly dynamic_resources: readonly {
        readonly claim_resources: readonly { readonly driver_name: string; readonly device_name: string }[];
      }[];
    }[];
  }[];
}

export interface ContainerName {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface GivenDevices {
  /** In the order of the kubelet; for a whole GPU its UUID, for a part of one `MIG-…`. */
  readonly ids: readonly string[];
  /** GPUs by a claim (dynamic resource allocation), which the kubelet names by the driver's own words only. */
  readonly claimed: readonly string[];
}

const GPU_RESOURCE = /^nvidia\.com\/(gpu|mig-.*)(\.shared)?$/;
const GPU_CLAIM_DRIVER = 'gpu.nvidia.com';

/** Undefined where there is no kubelet, or where it does not know the container. */
export async function givenDevices(socket: string, name: ContainerName): Promise<GivenDevices | undefined> {
  if (!existsSync(socket)) return undefined;
  const { pod_resources: pods } = await during(`ask the kubelet at ${socket}`, () => list(socket));
  const container = pods
    .find((p) => p.namespace === name.namespace && p.name === name.pod)
    ?.containers.find((c) => c.name === name.container);
  if (container === undefined) return undefined;
  return {
    ids: container.devices.filter((d) => GPU_RESOURCE.test(d.resource_name)).flatMap((d) => d.device_ids),
    claimed: container.dynamic_resources
      .flatMap((r) => r.claim_resources)
      .filter((r) => r.driver_name === GPU_CLAIM_DRIVER)
      .map((r) => r.device_name),
  };
}

function list(socket: string): Promise<ListAnswer> {
  const service = new GrpcService(`unix://${socket}`, proto, 'v1.PodResourcesLister');
  return service.call<ListAnswer>('List', {}, DEADLINE_MS).finally(() => service.close());
}
