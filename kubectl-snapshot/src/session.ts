/** What a command has at hand: the cluster that the flags name, where to write, and when to stop. */
import type { Readable } from 'node:stream';
import type { Clock } from '@dynamo-snapshot/api/time';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Command } from 'commander';
import type { Kubectl } from './artifact/kubectl';
import { Cluster } from './cluster/cluster';
import type { Format } from './output/format';
import { formatOf } from './output/format';
import type { Output } from './output/output';

/** Flags that every command takes; kubectl's names. */
export interface GlobalFlags {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly context?: string;
  readonly kubeconfig?: string;
  readonly output: string;
}

/** Everything outside of the program. */
export interface World {
  readonly out: Output;
  readonly err: Output;
  readonly stdin: Readable;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Throws where there is no configuration of a cluster. */
  readonly connect: (flags: Pick<GlobalFlags, 'context' | 'kubeconfig'>) => KubeConfig;
  /** `kubectl` with these flags, for what only it does well: streams to and from a pod. */
  readonly kubectl: (flags: readonly string[]) => Kubectl;
}

export class Session {
  readonly world: World;
  readonly flags: GlobalFlags;
  #cluster: Cluster | undefined;

  constructor(world: World, flags: GlobalFlags) {
    this.world = world;
    this.flags = flags;
  }

  /** Made when it is first asked for: commands on a folder need none. */
  get cluster(): Cluster {
    return (this.#cluster ??= new Cluster(this.world.connect(this.flags)));
  }

  get namespace(): string {
    const { config } = this.cluster;
    return (
      this.flags.namespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default'
    );
  }

  /** Of a list: undefined = all. */
  get listNamespace(): string | undefined {
    return this.flags.allNamespaces === true ? undefined : this.namespace;
  }

  get format(): Format {
    return formatOf(this.flags.output);
  }

  get kubectl(): Kubectl {
    const { context, kubeconfig } = this.flags;
    return this.world.kubectl([
      ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]),
      ...(context === undefined ? [] : ['--context', context]),
    ]);
  }
}

/** Adds one command to the program; `run` turns what it does into the program's exit code. */
export type AddCommand = (program: Command, run: RunCommand) => void;
export type RunCommand = (command: Command, work: (session: Session) => Promise<number>) => Promise<void>;
