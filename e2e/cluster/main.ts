import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { explain } from '@dynamo-snapshot/api/errors';
import { down, toCluster, up } from './cluster';
import type { Cluster } from './cluster';
import { checkName, kubeconfigFile } from './instance';
import { inMember } from './member';
import { isRunning } from './process';
import { printProgress } from './progress';
import type { Progress } from './progress';
import { attach, run } from './run';
import { selfcheck } from './selfcheck';
import { bootId, ofThisBoot, readState } from './state';
import { ensureToolchain } from './toolchain';

const USAGE = `usage: npm run cluster -- COMMAND [--name NAME]

  up                      start the two-node cluster, or what is missing of it
  down                    stop it and remove everything of it from this machine
  status                  nodes, processes, paths
  env                     print the line that makes kubectl use it
  load ARCHIVE...         import image archives into both nodes
  node-shell NODE -- CMD  run a command on node-a or node-b
  selfcheck               up and down, and show that nothing is left
`;

type Run = (name: string, args: readonly string[], progress: Progress) => Promise<number>;

const commands: Readonly<Record<string, Run>> = {
  up: async (name, _args, progress) => {
    const cluster = await up(name, progress);
    progress(`ready: export KUBECONFIG=${cluster.kubeconfig}`);
    return 0;
  },
  down: async (name, _args, progress) => {
    await down(name, progress);
    progress('down');
    return 0;
  },
  status: async (name) => {
    process.stdout.write(await status(name));
    return 0;
  },
  env: async (name) => {
    await running(name);
    process.stdout.write(`export KUBECONFIG=${kubeconfigFile(name)}\n`);
    return 0;
  },
  load: async (name, archives, progress) => {
    const cluster = await running(name);
    for (const archive of archives) {
      progress(`loading ${archive}`);
      await cluster.loadImages([resolve(process.env['INIT_CWD'] ?? '.', archive)]);
    }
    return 0;
  },
  selfcheck: async (name, _args, progress) => {
    const left = await selfcheck(name, progress);
    progress(left.length === 0 ? 'the machine is as before' : 'the machine is not as before:');
    process.stdout.write(left.map((line) => `${line}\n`).join(''));
    return left.length === 0 ? 0 : 1;
  },
  'node-shell': async (name, [nodeName, file = 'sh', ...args]) => {
    const node = (await running(name)).nodes.find((candidate) => candidate.name === nodeName);
    if (node === undefined) throw new Error(`"${nodeName}" is no node`);
    return attach(inMember(node.init, [file, ...args]));
  },
};

/** The cluster as it stands; throws if it is not up. */
async function running(name: string): Promise<Cluster> {
  const found = await readState(name);
  const state = found === undefined ? undefined : ofThisBoot(found, await bootId());
  if (state === undefined || !(await isRunning(state.members.cp?.init)))
    throw new Error(`the cluster "${name}" is not up`);
  return toCluster(state, await ensureToolchain(() => undefined));
}

async function status(name: string): Promise<string> {
  const cluster = await running(name);
  const state = await readState(name);
  const lines = [
    `cluster ${name}`,
    `kubeconfig ${cluster.kubeconfig}`,
    `kubectl ${cluster.kubectl}`,
    `helm ${cluster.helm}`,
  ];
  for (const [member, { init, daemons }] of Object.entries(state?.members ?? {})) {
    lines.push(`${member}: PID 1 is ${init.pid}, ${(await isRunning(init)) ? 'runs' : 'is gone'}`);
    for (const [daemon, id] of Object.entries(daemons)) {
      lines.push(
        `  ${daemon}: ${(await isRunning(id)) ? `runs (waited for by ${id.pid})` : 'is gone, `up` starts it again'}`,
      );
    }
  }
  const argv = [
    cluster.kubectl,
    `--kubeconfig=${cluster.kubeconfig}`,
    'get',
    'nodes',
    '-o',
    'wide',
    '--request-timeout=5s',
  ] as const;
  lines.push(await run({ argv }).catch((error: unknown) => explain(error)));
  return `${lines.join('\n')}\n`;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { name: { type: 'string', default: 'dev' } },
  });
  const [command, ...args] = positionals;
  const chosen = commands[command ?? ''];
  if (chosen === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  return chosen(
    checkName(values.name),
    args,
    printProgress((text) => process.stderr.write(text), Date.now),
  );
}

main().then(
  (status) => (process.exitCode = status),
  (error: unknown) => {
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = 1;
  },
);
