/** What is asked of containerd about the start of containers: three calls of CRI and the stream of its events, on one socket, as gRPC has it. */
import type { sendUnaryData, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import type { ListedContainer } from '../../src/runtime/facts';

/** k8s.io/cri-api runtime/v1 and containerd's services/events/v1, also what is not read. */
const { root } = protobuf.parse(
  `
syntax = "proto3";
package t;
message Filter { string id = 1; string pod_sandbox_id = 3; map<string, string> label_selector = 4; }
message ListRequest { Filter filter = 1; }
message Metadata { string name = 1; uint32 attempt = 2; }
message Container { string id = 1; string pod_sandbox_id = 2; Metadata metadata = 3; string image_ref = 5; int32 state = 6; int64 created_at = 7; }
message ListResponse { repeated Container containers = 1; }
message Box { string id = 1; int32 state = 3; int64 created_at = 4; }
message BoxResponse { repeated Box items = 1; }
message BoxFilter { string id = 1; map<string, string> label_selector = 3; }
message BoxRequest { BoxFilter filter = 1; }
message SandboxRequest { string pod_sandbox_id = 1; bool verbose = 2; }
message PodIP { string ip = 1; }
message Network { string ip = 1; repeated PodIP additional_ips = 2; }
message Sandbox { string id = 1; int64 created_at = 4; Network network = 5; }
message SandboxResponse { Sandbox status = 1; }
message Subscribe { repeated string filters = 1; }
message Envelope { string namespace = 2; string topic = 3; }
`,
  { keepCase: true },
);

type Followed = { readonly filters: readonly string[]; readonly namespace: string };
type Unary = ServerUnaryCall<Record<string, never>, object>;

export interface Runtime {
  containers: readonly ListedContainer[];
  /** Without a state: ready. */
  sandboxes: readonly { readonly id: string; readonly state?: number }[];
  ips: readonly string[];
  /** Labels of the last list. */
  asked: object | undefined;
  askedSandboxes: object | undefined;
  /** When somebody follows the events, and when that has ended. */
  readonly followed: Promise<Followed>;
  readonly left: Promise<void>;
  start(): void;
  close(): void;
}

const codec = (path: string, request: string, response: string, responseStream = false) => {
  const [input, output] = [root.lookupType(`t.${request}`), root.lookupType(`t.${response}`)];
  return {
    path,
    requestStream: false,
    responseStream,
    requestSerialize: () => Buffer.alloc(0),
    requestDeserialize: (bytes: Buffer) => input.toObject(input.decode(bytes)),
    responseSerialize: (value: object) => Buffer.from(output.encode(output.fromObject(value)).finish()),
    responseDeserialize: () => ({}),
  };
};

const labelsOf = ({ request }: Unary) =>
  (request as { filter?: { label_selector?: object } }).filter?.label_selector;

export async function containerd(socket: string): Promise<Runtime> {
  const server = new Server();
  const followed = Promise.withResolvers<Followed>();
  const left = Promise.withResolvers<void>();
  let stream: ServerWritableStream<{ filters: string[] }, object> | undefined;
  const runtime: Runtime = {
    ...{ containers: [], sandboxes: [], ips: [], asked: undefined, askedSandboxes: undefined },
    ...{ followed: followed.promise, left: left.promise },
    start: () => stream?.write({ namespace: 'k8s.io', topic: '/tasks/start' }),
    close: () => server.forceShutdown(),
  };
  const list = (call: Unary, answer: sendUnaryData<object>) => {
    runtime.asked = labelsOf(call);
    answer(null, { containers: runtime.containers });
  };
  const boxes = (call: Unary, answer: sendUnaryData<object>) => {
    runtime.askedSandboxes = labelsOf(call);
    answer(null, { items: runtime.sandboxes });
  };
  const sandbox = (_: Unary, answer: sendUnaryData<object>) => {
    const [ip = '', ...more] = runtime.ips;
    answer(null, { status: { id: 'box', network: { ip, additional_ips: more.map((m) => ({ ip: m })) } } });
  };
  const subscribe = (call: ServerWritableStream<{ filters: string[] }, object>) => {
    stream = call;
    call.on('cancelled', () => left.resolve());
    const [namespace = ''] = call.metadata.get('containerd-namespace');
    followed.resolve({ filters: call.request.filters, namespace: String(namespace) });
  };
  server.addService(
    {
      list: codec('/runtime.v1.RuntimeService/ListContainers', 'ListRequest', 'ListResponse'),
      boxes: codec('/runtime.v1.RuntimeService/ListPodSandbox', 'BoxRequest', 'BoxResponse'),
      sandbox: codec('/runtime.v1.RuntimeService/PodSandboxStatus', 'SandboxRequest', 'SandboxResponse'),
      subscribe: codec('/containerd.services.events.v1.Events/Subscribe', 'Subscribe', 'Envelope', true),
    },
    { list, boxes, sandbox, subscribe },
  );
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix://${socket}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    ),
  );
  return runtime;
}
