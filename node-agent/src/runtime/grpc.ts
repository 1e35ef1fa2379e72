/** A gRPC service on a socket of the node. Only the messages that are used are declared; proto3 skips the rest. */
import type { ServiceError } from '@grpc/grpc-js';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

export class GrpcService {
  readonly #client: Client;
  readonly #root: protobuf.Root;
  readonly #service: string;

  /**
   * `endpoint` is `unix:///…`; `service` is the full name; a method's messages are declared as its name and Request or
   * Response in its package: their real names are not on the wire.
   */
  constructor(endpoint: string, proto: string, service: string) {
    this.#client = new Client(endpoint, credentials.createInsecure());
    this.#root = protobuf.parse(proto, { keepCase: true }).root;
    this.#service = service;
  }

  /** Rejects with grpc-js's ServiceError. */
  call<T>(method: string, request: object, limitMs: number): Promise<T> {
    const [input, output] = [this.#message(`${method}Request`), this.#message(`${method}Response`)];
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `/${this.#service}/${method}`,
        (value: object) => Buffer.from(input.encode(input.fromObject(value)).finish()),
        (bytes: Buffer) => output.toObject(output.decode(bytes), { defaults: true }) as T,
        request,
        { deadline: Date.now() + limitMs },
        (error: ServiceError | null, value?: T) => {
          if (error !== null || value === undefined) reject(error ?? new Error('no answer'));
          else resolve(value);
        },
      );
    });
  }

  /** Tells each answer until the returned function is called, or until it ends with the error. */
  follow(
    method: string,
    request: object,
    headers: Readonly<Record<string, string>>,
    on: { readonly answer: () => void; readonly end: (error: Error) => void },
  ): () => void {
    const input = this.#message(`${method}Request`);
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const call = this.#client.makeServerStreamRequest(
      `/${this.#service}/${method}`,
      (value: object) => Buffer.from(input.encode(input.fromObject(value)).finish()),
      (bytes: Buffer) => bytes,
      request,
      metadata,
    );
    let open = true;
    const end = (error: Error) => {
      if (open) on.end(error);
      open = false;
    };
    call.on('data', on.answer);
    call.on('error', end);
    call.on('end', () => end(new Error('it was ended')));
    return () => {
      open = false;
      call.cancel();
    };
  }

  close(): void {
    this.#client.close();
  }

  #message(name: string): protobuf.Type {
    return this.#root.lookupType(this.#service.replace(/[^.]+$/, name));
  }
}
