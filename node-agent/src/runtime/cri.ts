/** Container facts from the runtime's CRI v1 socket. */
import type { ServiceError } from '@grpc/grpc-js';
import { during, TerminalError } from '@dynamo-snapshot/api/errors';
import type { ContainerId } from '../linux/ids';
import type { ContainerFacts, CriStatus, ListedContainer } from './facts';
import { containerFacts } from './facts';
import { GrpcService } from './grpc';

/** Field numbers of k8s.io/cri-api runtime/v1. */
const proto = `
syntax = "proto3";
package runtime.v1;
message ContainerStatusRequest { string container_id = 1; bool verbose = 2; }
message ImageSpec { string image = 1; }
message ContainerMetadata { string name = 1; uint32 attempt = 2; }
message Mount { string container_path = 1; string host_path = 2; }
message ContainerStatus {
  string id = 1; ContainerMetadata metadata = 2; int32 state = 3; ImageSpec image = 8; string image_ref = 9;
  map<string, string> labels = 12; repeated Mount mounts = 14;
}
message ContainerStatusResponse { ContainerStatus status = 1; map<string, string> info = 2; }
message ContainerFilter { map<string, string> label_selector = 4; }
message ListContainersRequest { ContainerFilter filter = 1; }
message Container { string id = 1; string pod_sandbox_id = 2; ContainerMetadata metadata = 3; int32 state = 6; }
message ListContainersResponse { repeated Container containers = 1; }
message PodSandboxFilter { map<string, string> label_selector = 3; }
message ListPodSandboxRequest { PodSandboxFilter filter = 1; }
message PodSandbox { string id = 1; int32 state = 3; }
message ListPodSandboxResponse { repeated PodSandbox items = 1; }
message PodSandboxStatusRequest { string pod_sandbox_id = 1; }
message PodIP { string ip = 1; }
message PodSandboxNetworkStatus { string ip = 1; repeated PodIP additional_ips = 2; }
message PodSandboxStatus { PodSandboxNetworkStatus network = 5; }
message PodSandboxStatusResponse { PodSandboxStatus status = 1; }
message ExecSyncRequest { string container_id = 1; repeated string cmd = 2; int64 timeout = 3; }
message ExecSyncResponse { bytes stdout = 1; bytes stderr = 2; int32 exit_code = 3; }
`;

const DEADLINE_MS = 10_000;
const KEPT_CHARACTERS = 500;
/** gRPC status code. */
const NOT_FOUND = 5;

/** A label that the kubelet gives every container (kubelet: pkg/kubelet/types/labels.go). */
const podLabel = 'io.kubernetes.pod.uid';

interface ListAnswer {
  readonly containers: readonly ListedContainer[];
}

interface SandboxList {
  readonly items: readonly { readonly id: string; readonly state: number }[];
}

/** runtime/v1 PodSandboxState. */
const SANDBOX_READY = 0;

interface SandboxAnswer {
  readonly status?: {
    readonly network?: { readonly ip: string; readonly additional_ips: readonly { readonly ip: string }[] };
  };
}

interface ExecAnswer {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly exit_code: number;
}

export class Cri {
  readonly #service: GrpcService;

  /** `unix:///run/containerd/containerd.sock` */
  constructor(endpoint: string) {
    this.#service = new GrpcService(endpoint, proto, 'runtime.v1.RuntimeService');
  }

  /** Throws ContainerGone where the runtime does not know it or it does not run. */
  async container(id: ContainerId): Promise<ContainerFacts> {
    const answer = await during(`ask the runtime for container ${id.slice(0, 12)}`, () =>
      this.#call<CriStatus>('ContainerStatus', { container_id: id, verbose: true }),
    );
    return containerFacts(id, answer);
  }

  /** Those that run, and what is left of those before them. */
  async containersOf(podUid: string): Promise<readonly ListedContainer[]> {
    const filter = { label_selector: { [podLabel]: podUid } };
    const { containers } = await this.#call<ListAnswer>('ListContainers', { filter });
    return containers;
  }

  /** Whether the pod has been given its namespaces and addresses: its containers are next. */
  async hasSandbox(podUid: string): Promise<boolean> {
    const filter = { label_selector: { [podLabel]: podUid } };
    const { items } = await this.#call<SandboxList>('ListPodSandbox', { filter });
    return items.some(({ state }) => state === SANDBOX_READY);
  }

  /** The first is the pod's own; none in the host's network. */
  async podIps(sandbox: string): Promise<readonly string[]> {
    const { status } = await this.#call<SandboxAnswer>('PodSandboxStatus', { pod_sandbox_id: sandbox });
    const { ip = '', additional_ips: more = [] } = status?.network ?? {};
    return [ip, ...more.map((m) => m.ip)].filter((address) => address !== '');
  }

  /** The runtime ends it after the time, in whole seconds; `output` is the end of what it said. */
  async exec(
    id: ContainerId,
    command: readonly string[],
    timeoutMs: number,
  ): Promise<{ readonly exitCode: number; readonly output: string }> {
    const request = { container_id: id, cmd: [...command], timeout: Math.ceil(timeoutMs / 1000) };
    const answer = await this.#call<ExecAnswer>('ExecSync', request, timeoutMs + DEADLINE_MS);
    const text = [answer.stdout, answer.stderr].map((bytes) => Buffer.from(bytes).toString()).join('');
    return { exitCode: answer.exit_code, output: text.trim().slice(-KEPT_CHARACTERS) };
  }

  close(): void {
    this.#service.close();
  }

  async #call<T>(method: string, request: object, limitMs = DEADLINE_MS): Promise<T> {
    try {
      return await this.#service.call<T>(method, request, limitMs);
    } catch (error) {
      if ((error as ServiceError).code !== NOT_FOUND) throw error;
      throw new TerminalError('ContainerGone', 'the runtime does not know it');
    }
  }
}
