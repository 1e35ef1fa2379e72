import { homedir } from 'node:os';
import { join } from 'node:path';

export const STATE_ROOT = '/var/lib/dynamo-snapshot-clusters';
/** The same folder on both nodes: what a ReadWriteMany volume would be. */
export const SHARED_MOUNT = '/var/lib/dynamo-snapshot-shared';
export const SERVICE_SUBNET = '10.96.0.0/16';
/** First address of the service subnet: the kubernetes service. */
export const API_SERVICE_ADDRESS = '10.96.0.1';
export const API_PORT = 6443;
/** The second octet pairs 10.210.N and 10.211.2N, 10.211.2N+1 must stay in one byte. */
const MAX_INDEX = 127;

export type NodeName = 'node-a' | 'node-b';
export type MemberName = 'cp' | NodeName;
export const NODE_NAMES: readonly NodeName[] = ['node-a', 'node-b'];
export const MEMBER_NAMES: readonly MemberName[] = ['cp', ...NODE_NAMES];

/** One cluster: everything it owns on the machine follows from its name and index. */
export interface Instance {
  readonly name: string;
  readonly index: number;
}

/** Throws unless the name can be part of folder, cgroup and host names. */
export function checkName(name: string): string {
  if (!/^[a-z][a-z0-9-]{0,19}$/.test(name))
    throw new Error(`"${name}" is no cluster name: lower-case letters, digits and -, at most 20`);
  return name;
}

export const cacheRoot = (): string =>
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'dynamo-snapshot');
export const stateDir = (name: string): string => join(STATE_ROOT, checkName(name));
export const kubeconfigFile = (name: string): string => join(stateDir(name), 'kubeconfig');
export const sharedDir = (name: string): string => join(stateDir(name), 'shared');
export const memberDir = (name: string, member: MemberName): string => join(stateDir(name), member);
export const logFile = (name: string, member: MemberName, daemon: string): string =>
  join(memberDir(name, member), 'log', `${daemon}.log`);

export const bridgeName = (instance: Instance): string => `ds${instance.index}`;
export const hostAddress = (instance: Instance): string => `10.210.${instance.index}.1`;
export const memberSubnet = (instance: Instance): string => `10.210.${instance.index}.0/24`;
export const memberAddress = (instance: Instance, member: MemberName): string =>
  `10.210.${instance.index}.${2 + MEMBER_NAMES.indexOf(member)}`;
export const podSubnet = (instance: Instance, node: NodeName): string =>
  `10.211.${2 * instance.index + NODE_NAMES.indexOf(node)}.0/24`;
export const apiServerUrl = (instance: Instance): string =>
  `https://${memberAddress(instance, 'cp')}:${API_PORT}`;

/** What is taken on this machine already. */
export interface Taken {
  readonly indexes: readonly number[];
  readonly links: readonly string[];
  /** Destinations as `ip route` prints them: addresses, prefixes, "default". */
  readonly routes: readonly string[];
}

/** The lowest index whose bridge name and subnets are free. */
export function chooseIndex(name: string, taken: Taken): number {
  for (let index = 0; index <= MAX_INDEX; index++) {
    const instance = { name, index };
    const subnets = [memberSubnet(instance), ...NODE_NAMES.map((node) => podSubnet(instance, node))];
    const clash =
      taken.indexes.includes(index) ||
      taken.links.includes(bridgeName(instance)) ||
      taken.routes.some((route) => subnets.some((subnet) => overlaps(route, subnet)));
    if (!clash) return index;
  }
  throw new Error('no free subnet for another cluster on this machine');
}

/** Whether two IPv4 prefixes share an address; the default route covers nothing in particular. */
export function overlaps(first: string, second: string): boolean {
  const [a, b] = [parsePrefix(first), parsePrefix(second)];
  if (a === undefined || b === undefined) return false;
  const bits = Math.min(a.length, b.length);
  const size = 2 ** (32 - bits);
  return Math.floor(a.address / size) === Math.floor(b.address / size);
}

function parsePrefix(text: string): { readonly address: number; readonly length: number } | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)(?:\/(\d+))?$/.exec(text);
  if (match === null || match[5] === '0') return undefined;
  const address = match.slice(1, 5).reduce((sum, octet) => sum * 256 + Number(octet), 0);
  return { address, length: Number(match[5] ?? 32) };
}
