/** A kubelet that knows of containers and their devices: the PodResources service on a socket, as gRPC has it. */
import { rmSync } from 'node:fs';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

/** k8s.io/kubelet/pkg/apis/podresources/v1, also what we do not read. */
const { root } = protobuf.parse(
  `
syntax = "proto3";
package v1;
message Request {}
message Response { repeated Pod pod_resources = 1; }
message Pod { string name = 1; string namespace = 2; repeated Container containers = 3; repeated int64 cpu_ids = 4; }
message Container { string name = 1; repeated Devices devices = 2; repeated int64 cpu_ids = 3; repeated Dynamic dynamic_resources = 5; }
message Devices { string resource_name = 1; repeated string device_ids = 2; Topology topology = 3; }
message Topology { repeated Node nodes = 1; }
message Node { int64 ID = 1; }
message Dynamic { string claim_name = 2; string claim_namespace = 3; repeated Claim claim_resources = 4; }
message Claim { string driver_name = 2; string pool_name = 3; string device_name = 4; }
`,
  { keepCase: true },
);

export interface GivenContainer {
  readonly name: string;
  readonly devices?: readonly { readonly resource_name: string; readonly device_ids: readonly string[] }[];
  readonly dynamic_resources?: readonly object[];
}

export interface Kubelet {
  close(): void;
}

/** One pod, `default/worker`. */
export async function kubelet(socket: string, containers: readonly GivenContainer[]): Promise<Kubelet> {
  const server = new Server();
  const response = root.lookupType('v1.Response');
  const list = (_: ServerUnaryCall<object, object>, answer: sendUnaryData<object>) =>
    answer(null, { pod_resources: [{ name: 'worker', namespace: 'default', containers }] });
  const path = '/v1.PodResourcesLister/List';
  const codec = {
    requestStream: false,
    responseStream: false,
    requestSerialize: () => Buffer.alloc(0),
    requestDeserialize: () => ({}),
    responseSerialize: (value: object) => Buffer.from(response.encode(response.fromObject(value)).finish()),
    responseDeserialize: () => ({}),
  };
  server.addService({ List: { path, ...codec } }, { List: list });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix://${socket}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    ),
  );
  return {
    close: () => {
      server.forceShutdown();
      rmSync(socket, { force: true });
    },
  };
}
