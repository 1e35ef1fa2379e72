import { run } from './run';
import type { Argv } from './run';
import { MEMBER_NAMES, NODE_NAMES, bridgeName, hostAddress, memberAddress, podSubnet } from './instance';
import type { Instance, MemberName } from './instance';
import type { ProcessId } from './process';
import type { Taken } from './instance';

const ip = (...args: readonly string[]): Argv => ['ip', ...args];

/** Tells whose bridge it is, also when there is no state file (any more). */
const alias = (name: string): string => `dynamo-snapshot cluster ${name}`;

/** Makes the bridge on the machine. The kernel refuses a second one of the name, so this also claims the index. */
export const bridgePlan = (instance: Instance): readonly Argv[] => {
  const bridge = bridgeName(instance);
  return [
    ip('link', 'add', bridge, 'type', 'bridge'),
    ip('link', 'set', bridge, 'alias', alias(instance.name)),
    ip('address', 'add', `${hostAddress(instance)}/24`, 'dev', bridge),
    ip('link', 'set', bridge, 'up'),
  ];
};

/** Connects a member to the bridge and gives it routes to the machine and to the other members' pods. */
export function memberPlan(instance: Instance, member: MemberName, init: ProcessId): readonly Argv[] {
  const link = `${bridgeName(instance)}-${member}`;
  const inside = (...args: readonly string[]): Argv => [
    'nsenter',
    '--target',
    String(init.pid),
    '--net',
    'ip',
    ...args,
  ];
  const others = NODE_NAMES.filter((node) => node !== member);
  return [
    ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(init.pid)),
    ip('link', 'set', link, 'master', bridgeName(instance), 'up'),
    inside('address', 'add', `${memberAddress(instance, member)}/24`, 'dev', 'eth0'),
    inside('link', 'set', 'eth0', 'up'),
    inside('route', 'add', 'default', 'via', hostAddress(instance)),
    ...others.map((node) =>
      inside('route', 'add', podSubnet(instance, node), 'via', memberAddress(instance, node)),
    ),
    ['nsenter', '--target', String(init.pid), '--net', 'sh', '-c', NODE_SYSCTLS],
  ];
}

/** Per network namespace, hence only for the member: forwarding, and service addresses for pods on the same bridge. */
const NODE_SYSCTLS =
  'echo 1 > /proc/sys/net/ipv4/ip_forward; ' +
  '[ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables';

/** The machine reaches pods directly. */
export const hostRoutes = (instance: Instance): readonly Argv[] =>
  NODE_NAMES.map((node) =>
    ip('route', 'add', podSubnet(instance, node), 'via', memberAddress(instance, node)),
  );

/** The links of a cluster that are left on the machine; the far ends go with them. */
export function ownedLinks(
  name: string,
  index: number | undefined,
  all: readonly IpLink[],
): readonly string[] {
  const bridges = all
    .filter(({ ifname, ifalias }) => ifname === `ds${index}` || ifalias === alias(name))
    .map(({ ifname }) => ifname);
  const owned = bridges.flatMap((bridge) => [...MEMBER_NAMES.map((member) => `${bridge}-${member}`), bridge]);
  return owned.filter((link) => all.some(({ ifname }) => ifname === link));
}

export async function apply(plan: readonly Argv[]): Promise<void> {
  for (const argv of plan) await run({ argv });
}

export interface IpLink {
  readonly ifname: string;
  readonly ifalias?: string;
}

export async function links(): Promise<readonly IpLink[]> {
  return JSON.parse(await run({ argv: ip('-json', 'link', 'show') })) as readonly IpLink[];
}

/** Links and routes of the machine. */
export async function takenNetwork(): Promise<Omit<Taken, 'indexes'>> {
  const routes = JSON.parse(await run({ argv: ip('-json', 'route', 'show', 'table', 'all') })) as readonly {
    readonly dst: string;
  }[];
  return { links: (await links()).map(({ ifname }) => ifname), routes: routes.map(({ dst }) => dst) };
}

export async function removeLinks(name: string, index: number | undefined): Promise<void> {
  for (const link of ownedLinks(name, index, await links())) {
    const gone = async (): Promise<boolean> => !(await links()).some(({ ifname }) => ifname === link);
    // A veth end also vanishes by itself when the member's network namespace ends.
    await run({ argv: ip('link', 'delete', link) }).catch(async (error: unknown) => {
      if (!(await gone())) throw error;
    });
  }
}
