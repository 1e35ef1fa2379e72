/** `kubectl snapshot` as a person runs it: the executable that is shipped, against the cluster of the scenarios. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Finished, KubeAccess } from './kube';

export class Plugin {
  readonly #access: KubeAccess;
  constructor(access: KubeAccess) {
    this.#access = access;
  }

  static async build(): Promise<void> {
    await promisify(execFile)('node', ['scripts/build.mjs', 'kubectl-snapshot'], { maxBuffer: 64 << 20 });
  }

  run(args: readonly string[], seconds = 180): Promise<Finished> {
    const { kubeconfig, kubectl, namespace } = this.#access;
    const env = { ...process.env, KUBECONFIG: kubeconfig, KUBECTL: kubectl };
    return new Promise((resolve) => {
      execFile(
        'dist/kubectl-snapshot',
        [...args, '--namespace', namespace],
        { env, timeout: seconds * 1000, maxBuffer: 64 << 20 },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 124;
          resolve({ code, stdout, stderr });
        },
      );
    });
  }

  /** Throws with what was printed where it does not end with 0. */
  async ok(args: readonly string[], seconds?: number): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, seconds);
    if (code !== 0) throw new Error(`kubectl snapshot ${args.join(' ')}: exit ${code}: ${stdout}${stderr}`);
    return stdout;
  }
}
