/** Takes the operators away and brings them back, as many as there were. */
import type { Kube } from './kube';

const OPERATORS = 'app.kubernetes.io/component=operator';

interface Deployment {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly replicas: number };
}

export class Operators {
  readonly #kube: Kube;
  readonly #deployment: string;
  readonly #replicas: number;
  #changed = false;

  private constructor(kube: Kube, { metadata, spec }: Deployment) {
    this.#kube = kube;
    this.#deployment = `deployment/${metadata.name}`;
    this.#replicas = spec.replicas;
  }

  static async of(kube: Kube): Promise<Operators> {
    const [found] = await kube.list<Deployment>('deployment', OPERATORS);
    if (found === undefined) throw new Error('there is no Deployment of operators');
    return new Operators(kube, found);
  }

  async takeAway(): Promise<void> {
    await this.#scale(0);
    await this.#kube.run(['wait', 'pod', '-l', OPERATORS, '--for=delete', '--timeout=90s'], '', 100);
  }

  async bringBack(): Promise<void> {
    await this.#scale(this.#replicas);
    await this.#rolledOut();
  }

  /** Of all replicas, until `resetEnv`. */
  async setEnv(name: string, value: string): Promise<void> {
    this.#changed = true;
    await this.#kube.run(['set', 'env', this.#deployment, `${name}=${value}`]);
    await this.#rolledOut();
  }

  /** To the revision before `setEnv`. */
  async resetEnv(): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    await this.#kube.run(['rollout', 'undo', this.#deployment]);
    await this.#rolledOut();
  }

  async #rolledOut(): Promise<void> {
    await this.#kube.run(['rollout', 'status', this.#deployment, '--timeout=120s'], '', 130);
  }

  #scale(replicas: number): Promise<string> {
    return this.#kube.run(['scale', this.#deployment, `--replicas=${replicas}`]);
  }
}
