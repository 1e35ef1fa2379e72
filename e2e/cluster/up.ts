import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { during } from '@dynamo-snapshot/api/errors';
import {
  KUBECONFIG_USERS,
  configureControlPlane,
  controlPlaneDaemons,
  userKubeconfig,
} from './control-plane';
import type { Daemon } from './control-plane';
import { takeDown } from './down';
import { buildPauseImage, loadImage } from './images';
import {
  MEMBER_NAMES,
  NODE_NAMES,
  apiServerUrl,
  bridgeName,
  chooseIndex,
  kubeconfigFile,
  sharedDir,
  stateDir,
} from './instance';
import type { Instance, MemberName, NodeName } from './instance';
import { inMember, startInMember, startMember } from './member';
import { apply, bridgePlan, hostRoutes, memberPlan, takenNetwork } from './network';
import { configureNode, containerd, kubeProxy, kubelet } from './node';
import { ensurePackages } from './packages';
import { ensurePki, kubeconfig, readCredentials } from './pki';
import { poll } from './poll';
import { isRunning } from './process';
import type { Progress } from './progress';
import { run, succeeds } from './run';
import { bootId, instanceNames, ofThisBoot, readState, writeState } from './state';
import type { State } from './state';
import { ensureToolchain } from './toolchain';
import type { Toolchain } from './toolchain';

/** Raised when a cluster that an older version of this tool started would not do any more. */
const GENERATION = 2;

/** What `up` carries from step to step; the state file always says the same as `state`. */
interface Rise {
  state: State;
  readonly tools: Toolchain;
  readonly progress: Progress;
}

/** Brings the cluster up from whatever there is: nothing, all of it, a part of it, or the files of an earlier boot. */
export async function bringUp(
  name: string,
  progress: Progress,
): Promise<{ readonly state: State; readonly tools: Toolchain }> {
  await ensurePackages(progress);
  const tools = await ensureToolchain(progress);
  const tool = `${GENERATION} ${tools.hyperkube}`;
  const found = await readState(name);
  const state = found === undefined ? undefined : ofThisBoot(found, await bootId());
  if (state?.built === true && state.tool === tool && (await membersRun(state))) {
    const rise: Rise = { state, tools, progress };
    await startDaemons(rise);
    return rise;
  }
  if (found !== undefined) {
    progress('what is there of the cluster cannot be used: taking it down first');
    await takeDown(name, progress);
  }
  const rise: Rise = { state: await claim(name, tool, progress), tools, progress };
  await startMembers(rise);
  await startDaemons(rise);
  return rise;
}

async function membersRun(state: State): Promise<boolean> {
  const running = await Promise.all(MEMBER_NAMES.map((member) => isRunning(state.members[member]?.init)));
  return running.every(Boolean);
}

/** Takes an index for the cluster; the bridge that goes with it is the claim. */
async function claim(name: string, tool: string, progress: Progress): Promise<State> {
  const states = await Promise.all((await instanceNames()).map(readState));
  const indexes = new Set(states.flatMap((state) => (state === undefined ? [] : [state.index])));
  for (let attempt = 0; attempt < 5; attempt++) {
    const index = chooseIndex(name, { ...(await takenNetwork()), indexes: [...indexes] });
    const instance = { name, index };
    const [first, ...rest] = bridgePlan(instance);
    if (first === undefined || !(await succeeds({ argv: first }))) {
      indexes.add(index); // somebody was faster
      continue;
    }
    progress(`index ${index}: bridge ${bridgeName(instance)}, API server ${apiServerUrl(instance)}`);
    const state: State = { name, index, bootId: await bootId(), tool, built: false, members: {} };
    await writeState(state);
    await apply(rest);
    return state;
  }
  throw new Error('no bridge could be made');
}

async function save(rise: Rise, state: State): Promise<void> {
  rise.state = state;
  await writeState(state);
}

async function startMembers(rise: Rise): Promise<void> {
  const { tools, progress } = rise;
  const instance: Instance = rise.state;
  await mkdir(sharedDir(instance.name), { recursive: true });
  await mkdir(stateDir(instance.name), { recursive: true });
  progress('certificates and keys');
  await during('make certificates', () => ensurePki(instance));
  await writeKubeconfigs(instance);
  await configureControlPlane(instance);
  for (const member of MEMBER_NAMES) {
    progress(`namespaces and network of ${member}`);
    const init = await during(`start ${member}`, () => startMember(instance.name, member, tools.pause));
    await save(rise, { ...rise.state, members: { ...rise.state.members, [member]: { init, daemons: {} } } });
    await during(`connect ${member}`, () => apply(memberPlan(instance, member, init)));
  }
  await apply(hostRoutes(instance));
  await save(rise, { ...rise.state, built: true });
}

async function writeKubeconfigs(instance: Instance): Promise<void> {
  for (const user of KUBECONFIG_USERS) {
    const text = kubeconfig(user, await readCredentials(instance, user));
    await writeFile(userKubeconfig(instance.name, user), text, { mode: 0o600 });
  }
  const admin = kubeconfig(`dynamo-snapshot-${instance.name}`, await readCredentials(instance, 'admin'));
  await writeFile(kubeconfigFile(instance.name), admin, { mode: 0o600 });
}

/** Starts every daemon that does not run, in the order in which they need each other, and waits until the cluster serves. */
async function startDaemons(rise: Rise): Promise<void> {
  const { tools, progress } = rise;
  const instance: Instance = rise.state;
  const { hyperkube } = tools;
  const [etcd, apiServer, ...rest] = controlPlaneDaemons(instance, hyperkube);
  await ensureDaemons(
    rise,
    'cp',
    [etcd, apiServer].filter((daemon) => daemon !== undefined),
  );
  for (const node of NODE_NAMES) await startContainerd(rise, node);
  progress('waiting for the API server');
  await waitForApiServer(rise);
  await ensureDaemons(rise, 'cp', rest);
  for (const node of NODE_NAMES) {
    await ensureDaemons(rise, node, [
      kubelet(instance, node, hyperkube),
      kubeProxy(instance, node, hyperkube),
    ]);
  }
  progress('waiting for the nodes');
  await waitForNodes(rise);
}

async function ensureDaemons(rise: Rise, member: MemberName, daemons: readonly Daemon[]): Promise<void> {
  for (const { name, argv } of daemons) {
    const current = rise.state.members[member];
    if (current === undefined) throw new Error(`${member} is not started`);
    if (await isRunning(current.daemons[name])) continue;
    rise.progress(`starting ${name} of ${member}`);
    const id = await startInMember({ name: rise.state.name, member, init: current.init }, name, argv);
    const changed = { ...current, daemons: { ...current.daemons, [name]: id } };
    await save(rise, { ...rise.state, members: { ...rise.state.members, [member]: changed } });
  }
}

async function startContainerd(rise: Rise, node: NodeName): Promise<void> {
  const instance: Instance = rise.state;
  await configureNode(instance, node);
  await ensureDaemons(rise, node, [containerd(instance, node)]);
  const init = rise.state.members[node]?.init;
  if (init === undefined) throw new Error(`${node} is not started`);
  const answers = (): Promise<boolean> =>
    succeeds({ argv: inMember(init, ['ctr', 'version']), limitMs: 5000 });
  if (!(await poll(answers, { limitMs: 30_000, everyMs: 100 })))
    throw new Error(`containerd of ${node} does not answer`);
  const archive = join(stateDir(instance.name), 'pause.tar');
  if (node === NODE_NAMES[0]) await buildPauseImage(rise.tools.pause, archive);
  await loadImage(init, archive);
}

async function waitForApiServer(rise: Rise): Promise<void> {
  const { name, members } = rise.state;
  const argv = [rise.tools.kubectl, `--kubeconfig=${kubeconfigFile(name)}`, 'get', '--raw=/readyz'] as const;
  const ready = async (): Promise<boolean> => {
    if (!(await isRunning(members.cp?.daemons['kube-apiserver'])))
      throw new Error(`the API server ended, see ${stateDir(name)}/cp/log`);
    return succeeds({ argv, limitMs: 5000 });
  };
  if (!(await poll(ready, { limitMs: 120_000, everyMs: 200 })))
    throw new Error('the API server does not become ready');
}

/** Nodes ready, and the default service account there, without which no pod is admitted. */
async function waitForNodes(rise: Rise): Promise<void> {
  const kubectl = [rise.tools.kubectl, `--kubeconfig=${kubeconfigFile(rise.state.name)}`] as const;
  const things = [...NODE_NAMES.map((node) => `node/${node}`), 'serviceaccount/default'];
  for (const thing of things)
    await run({ argv: [...kubectl, 'wait', '--for=create', thing, '--timeout=90s'], limitMs: 100_000 });
  const nodes = NODE_NAMES.map((node) => `node/${node}`);
  await run({
    argv: [...kubectl, 'wait', '--for=condition=Ready', ...nodes, '--timeout=120s'],
    limitMs: 130_000,
  });
}
