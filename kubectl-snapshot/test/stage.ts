/** The program against an API server in this process, its output in memory, and a kubectl that is a function. */
import { PassThrough, Readable } from 'node:stream';
import picocolors from 'picocolors';
import { ApiServer } from '../../controller/test/apiserver';
import type { Kubectl } from '../src/artifact/kubectl';
import type { Output } from '../src/output/output';
import { plainLive } from '../src/output/output';
import { main } from '../src/program';
import type { World } from '../src/session';

export const NOW = Date.parse('2026-11-28T12:00:00Z');

export interface Written extends Output {
  readonly text: () => string;
}

export function memory(): Written {
  let text = '';
  const write = (more: string) => void (text += more);
  return {
    write,
    isTerminal: false,
    columns: 80,
    colours: picocolors.createColors(false),
    live: () => plainLive((line) => write(`${line}\n`)),
    text: () => text,
  };
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Started {
  readonly out: Written;
  readonly err: Written;
  readonly stop: AbortController;
  readonly ended: Promise<Ran>;
}

/** What a pod's command prints, and with which code it ends. */
export type Answer = (
  args: readonly string[],
  stdin: Buffer,
) => { code?: number; stdout?: Buffer | string; stderr?: string };

export const kubectlOf =
  (answer: Answer): Kubectl =>
  (args) => {
    const stdin = new PassThrough();
    const stdout = new PassThrough();
    const ended = (async () => {
      const parts: Buffer[] = [];
      for await (const part of stdin) parts.push(part as Buffer);
      const { code = 0, stdout: printed = '', stderr = '' } = answer(args, Buffer.concat(parts));
      stdout.end(printed);
      return { code, stderr };
    })();
    return { stdin, stdout, ended };
  };

export class Stage {
  readonly server = new ApiServer();
  answer: Answer = (args) => {
    throw new Error(`no kubectl ${args.join(' ')} is expected`);
  };

  /** Instead of `answer`. */
  kubectl: Kubectl | undefined;

  open(): Promise<void> {
    return this.server.listen();
  }

  close(): Promise<void> {
    return this.server.close();
  }

  start(argv: readonly string[], stdin = ''): Started {
    const [out, err, stop] = [memory(), memory(), new AbortController()];
    const world: World = {
      out,
      err,
      stdin: Readable.from([stdin]),
      clock: { now: () => NOW },
      signal: stop.signal,
      connect: () => this.server.config,
      kubectl: () => this.kubectl ?? kubectlOf((args, input) => this.answer(args, input)),
    };
    const ended = main(argv, world).then((code) => ({ code, out: out.text(), err: err.text() }));
    return { out, err, stop, ended };
  }

  run(argv: readonly string[], stdin = ''): Promise<Ran> {
    return this.start(argv, stdin).ended;
  }

  make(plural: string, object: object): void {
    const [base, kind] = plural.includes('/') ? [plural, ''] : ['apis/nvidia.com/v1alpha1', plural];
    const collection = kind === '' ? base : `${base}/${kind}`;
    this.server.store.create(collection, 'default', object as never);
  }
}
