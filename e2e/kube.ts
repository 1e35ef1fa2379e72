/** kubectl as a person uses it, with deadlines: what these tests do to the cluster, anyone can do by hand. */
import { execFile, spawn } from 'node:child_process';

export interface KubeAccess {
  readonly kubectl: string;
  readonly kubeconfig: string;
  readonly namespace: string;
}

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Kube {
  readonly #access: KubeAccess;
  constructor(access: KubeAccess) {
    this.#access = access;
  }

  get env(): NodeJS.ProcessEnv {
    return { ...process.env, KUBECONFIG: this.#access.kubeconfig };
  }

  /** Runs kubectl in our namespace; never throws for an exit code. */
  try(args: readonly string[], input = '', seconds = 60): Promise<Finished> {
    return new Promise((resolve) => {
      const child = execFile(
        this.#access.kubectl,
        ['--namespace', this.#access.namespace, ...args],
        { env: this.env, timeout: seconds * 1000, maxBuffer: 64 << 20 },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 124;
          resolve({ code, stdout, stderr });
        },
      );
      child.stdin?.end(input);
    });
  }

  async run(args: readonly string[], input = '', seconds = 60): Promise<string> {
    const { code, stdout, stderr } = await this.try(args, input, seconds);
    if (code !== 0)
      throw new Error(`kubectl ${args.join(' ')}: exit ${code}: ${stderr.trim() || stdout.trim()}`);
    return stdout;
  }

  async apply(...objects: readonly KubeObject[]): Promise<void> {
    await this.run(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  }

  async get<T>(kind: string, name: string): Promise<T> {
    return JSON.parse(await this.run(['get', kind, name, '-o', 'json'])) as T;
  }

  async list<T>(kind: string, selector = ''): Promise<readonly T[]> {
    const args = ['get', kind, '-o', 'json', ...(selector ? ['-l', selector] : [])];
    return (JSON.parse(await this.run(args)) as { items: T[] }).items;
  }

  /** `kubectl wait`: `condition=Ready`, `jsonpath={.status.phase}=Ready`, `delete`. Says what the object looked like when it gives up. */
  async wait(kind: string, name: string, what: string, seconds: number): Promise<void> {
    const args = ['wait', `${kind}/${name}`, `--for=${what}`, `--timeout=${seconds}s`];
    const { code, stderr } = await this.try(args, '', seconds + 10);
    if (code === 0) return;
    const seen = await this.try(['get', kind, name, '-o', 'jsonpath={.status}']);
    throw new Error(
      `${kind}/${name} did not reach ${what} in ${seconds} s: ${stderr.trim()}\n${seen.stdout || seen.stderr}`,
    );
  }

  /** Deletes and waits; what is not there is fine. */
  async delete(kind: string, names: readonly string[], seconds = 60): Promise<void> {
    if (names.length === 0) return;
    await this.run(
      ['delete', kind, ...names, '--ignore-not-found', `--timeout=${seconds}s`],
      '',
      seconds + 10,
    );
  }

  logs(pod: string, container = 'main'): Promise<string> {
    return this.run(['logs', pod, '-c', container]);
  }

  exec(pod: string, argv: readonly string[]): Promise<Finished> {
    return this.try(['exec', pod, '-c', 'main', '--', ...argv]);
  }

  /** `kubectl attach -it`: types into the terminal of a pod. kubectl wants a terminal of its own, hence script(1). */
  attach(pod: string): { type(text: string): void; close(): Promise<void> } {
    const { kubectl, namespace } = this.#access;
    const attach = `exec '${kubectl}' --namespace '${namespace}' attach -it '${pod}' -c main`;
    const child = spawn('script', ['--quiet', '--flush', '--command', attach, '/dev/null'], {
      env: this.env,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
    return {
      type: (text) => void child.stdin.write(text),
      close: async () => {
        child.kill('SIGTERM');
        await ended;
      },
    };
  }

  /** Until the log of a pod has a line that matches. */
  async heard(pod: string, what: RegExp, seconds = 60): Promise<void> {
    const log = this.follow(pod);
    const until = Date.now() + seconds * 1000;
    while (!what.test(log.soFar()) && Date.now() < until) await new Promise((later) => setTimeout(later, 50));
    const printed = await log.close();
    if (!what.test(printed)) throw new Error(`${pod} did not print ${what} in ${seconds} s:\n${printed}`);
  }

  /** `kubectl logs -f`; `close` ends it and gives what was printed. */
  follow(pod: string): { soFar(): string; close(): Promise<string> } {
    const child = spawn(
      this.#access.kubectl,
      ['--namespace', this.#access.namespace, 'logs', '-f', pod, '-c', 'main'],
      { env: this.env, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
    return {
      soFar: () => printed,
      close: async () => {
        child.kill('SIGTERM');
        await ended;
        return printed;
      },
    };
  }
}
