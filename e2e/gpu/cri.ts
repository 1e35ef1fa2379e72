/** The part of the kubelet: sandboxes and containers through containerd's CRI v1 plugin. */
import { GrpcService } from '@dynamo-snapshot/node-agent/runtime/grpc';
import { poll } from '../cluster/poll';

/** Field numbers of k8s.io/cri-api runtime/v1. */
const proto = `
syntax = "proto3";
package runtime.v1;
message Int64Value { int64 value = 1; }
message KeyValue { string key = 1; string value = 2; }
message ImageSpec { string image = 1; }
message NamespaceOption { int32 network = 1; int32 pid = 2; int32 ipc = 3; }
message DNSConfig { repeated string servers = 1; repeated string searches = 2; repeated string options = 3; }
message PodSandboxMetadata { string name = 1; string uid = 2; string namespace = 3; }
message LinuxSandboxSecurityContext { NamespaceOption namespace_options = 1; }
message LinuxPodSandboxConfig { string cgroup_parent = 1; LinuxSandboxSecurityContext security_context = 2; }
message PodSandboxConfig {
  PodSandboxMetadata metadata = 1; string hostname = 2; string log_directory = 3; DNSConfig dns_config = 4;
  map<string, string> labels = 6; LinuxPodSandboxConfig linux = 8;
}
message ContainerMetadata { string name = 1; }
message Mount { string container_path = 1; string host_path = 2; bool readonly = 3; }
message Device { string container_path = 1; string host_path = 2; string permissions = 3; }
message SecurityProfile { int32 profile_type = 1; string localhost_ref = 2; }
message LinuxContainerSecurityContext { NamespaceOption namespace_options = 3; Int64Value run_as_user = 5; SecurityProfile seccomp = 15; }
message LinuxContainerConfig { LinuxContainerSecurityContext security_context = 2; }
message ContainerConfig {
  ContainerMetadata metadata = 1; ImageSpec image = 2; repeated string command = 3; string working_dir = 5; repeated KeyValue envs = 6;
  repeated Mount mounts = 7; repeated Device devices = 8; map<string, string> labels = 9; string log_path = 11;
  LinuxContainerConfig linux = 15;
}
message RunPodSandboxRequest { PodSandboxConfig config = 1; }
message RunPodSandboxResponse { string pod_sandbox_id = 1; }
message StopPodSandboxRequest { string pod_sandbox_id = 1; }
message StopPodSandboxResponse {}
message RemovePodSandboxRequest { string pod_sandbox_id = 1; }
message RemovePodSandboxResponse {}
message CreateContainerRequest { string pod_sandbox_id = 1; ContainerConfig config = 2; PodSandboxConfig sandbox_config = 3; }
message CreateContainerResponse { string container_id = 1; }
message StartContainerRequest { string container_id = 1; }
message StartContainerResponse {}
message StopContainerRequest { string container_id = 1; int64 timeout = 2; }
message StopContainerResponse {}
message ContainerStatusRequest { string container_id = 1; }
message ContainerStatus { int32 state = 3; int32 exit_code = 7; }
message ContainerStatusResponse { ContainerStatus status = 1; }
message StatusRequest {}
message RuntimeCondition { string type = 1; bool status = 2; }
message RuntimeStatus { repeated RuntimeCondition conditions = 1; }
message StatusResponse { RuntimeStatus status = 1; }
message ImageStatusRequest { ImageSpec image = 1; }
message Image { string id = 1; }
message ImageStatusResponse { Image image = 1; }
`;

/** Of a namespace: the pod's own, the container's own, or the node's. */
export const mode = { pod: 0, container: 1, node: 2 } as const;
/** A profile of the node, by its absolute path (runtime/v1 SecurityProfile, Localhost). */
export const seccomp = (profile: string) => ({ profile_type: 2, localhost_ref: profile });
export const state = { created: 0, running: 1, exited: 2 } as const;

export interface ContainerStatus {
  readonly state: number;
  readonly exit_code: number;
}

const LIMIT_MS = 30_000;
const ready = { limitMs: LIMIT_MS, everyMs: 50 };

export class ContainerRuntime {
  readonly #runtime: GrpcService;
  readonly #images: GrpcService;
  readonly #sandboxes: string[] = [];

  constructor(endpoint: string) {
    this.#runtime = new GrpcService(endpoint, proto, 'runtime.v1.RuntimeService');
    this.#images = new GrpcService(endpoint, proto, 'runtime.v1.ImageService');
  }

  async waitUntilReady(): Promise<void> {
    type Answer = { readonly status?: { readonly conditions: readonly { type: string; status: boolean }[] } };
    const answers = () => this.#call<Answer>('Status', {}).catch(() => undefined);
    const isReady = async () =>
      (await answers())?.status?.conditions.some((c) => c.type === 'RuntimeReady' && c.status) === true;
    if (!(await poll(isReady, ready))) throw new Error('containerd is not ready; see containerd.log');
  }

  /** CRI hears of an image that ctr has imported a moment later. */
  async waitForImage(image: string): Promise<void> {
    type Answer = { readonly image?: { readonly id: string } | null };
    const knows = async () => {
      const answer = await this.#images.call<Answer>('ImageStatus', { image: { image } }, LIMIT_MS);
      return (answer.image?.id ?? '') !== '';
    };
    if (!(await poll(knows, ready))) throw new Error(`CRI does not know the imported image ${image}`);
  }

  async runSandbox(config: object): Promise<string> {
    const answer = await this.#call<{ readonly pod_sandbox_id: string }>('RunPodSandbox', { config });
    this.#sandboxes.push(answer.pod_sandbox_id);
    return answer.pod_sandbox_id;
  }

  /** With the containers in them. */
  async removeSandboxes(): Promise<void> {
    for (const id of this.#sandboxes.splice(0))
      for (const method of ['StopPodSandbox', 'RemovePodSandbox'])
        await this.#call(method, { pod_sandbox_id: id });
  }

  /** Its id. */
  async start(sandbox: { readonly id: string; readonly config: object }, config: object): Promise<string> {
    const request = { pod_sandbox_id: sandbox.id, config, sandbox_config: sandbox.config };
    const { container_id: id } = await this.#call<{ readonly container_id: string }>(
      'CreateContainer',
      request,
    );
    await this.#call('StartContainer', { container_id: id });
    return id;
  }

  stop(id: string, graceSeconds: number): Promise<unknown> {
    return this.#call('StopContainer', { container_id: id, timeout: graceSeconds });
  }

  async status(id: string): Promise<ContainerStatus> {
    const request = { container_id: id };
    return (await this.#call<{ readonly status: ContainerStatus }>('ContainerStatus', request)).status;
  }

  close(): void {
    this.#runtime.close();
    this.#images.close();
  }

  #call<T>(method: string, request: object): Promise<T> {
    return this.#runtime.call<T>(method, request, LIMIT_MS);
  }
}
