/** Container facts from the runtime's CRI v1 socket. Only the messages that are read are declared; proto3 skips the rest. */
import { Client, credentials } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { during, TerminalError } from '@dynamo-snapshot/api/errors';
import type { ContainerId } from '../linux/ids';
import type { ContainerFacts, CriStatus } from './facts';
import { containerFacts } from './facts';

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
message ExecSyncRequest { string container_id = 1; repeated string cmd = 2; int64 timeout = 3; }
message ExecSyncResponse { bytes stdout = 1; bytes stderr = 2; int32 exit_code = 3; }
`;

const DEADLINE_MS = 10_000;
const KEPT_CHARACTERS = 500;

interface ExecAnswer {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly exit_code: number;
}

export class Cri {
  readonly #client: Client;
  readonly #root = protobuf.parse(proto, { keepCase: true }).root;

  /** `unix:///run/containerd/containerd.sock` */
  constructor(endpoint: string) {
    this.#client = new Client(endpoint, credentials.createInsecure());
  }

  /** Throws ContainerGone where the runtime does not know it or it does not run. */
  async container(id: ContainerId): Promise<ContainerFacts> {
    const answer = await during(`ask the runtime for container ${id.slice(0, 12)}`, () =>
      this.#call<CriStatus>('ContainerStatus', { container_id: id, verbose: true }),
    );
    return containerFacts(id, answer);
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
    this.#client.close();
  }

  #call<T>(method: string, request: object, limitMs = DEADLINE_MS): Promise<T> {
    const input = this.#root.lookupType(`runtime.v1.${method}Request`);
    const output = this.#root.lookupType(`runtime.v1.${method}Response`);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `/runtime.v1.RuntimeService/${method}`,
        (value: object) => Buffer.from(input.encode(input.fromObject(value)).finish()),
        (bytes: Buffer) => output.toObject(output.decode(bytes), { defaults: true }) as T,
        request,
        { deadline: Date.now() + limitMs },
        (error, value) => {
          const gone = error?.code === 5;
          if (gone) reject(new TerminalError('ContainerGone', 'the runtime does not know it'));
          else if (error !== null || value === undefined) reject(error ?? new Error('no answer'));
          else resolve(value);
        },
      );
    });
  }
}
