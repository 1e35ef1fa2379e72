import { TerminalError } from '@dynamo-snapshot/api/errors';
import { containerCgroup, containerId, hostPid } from '../../src/linux/ids';

const HEX = '0123456789abcdef'.repeat(4);
const OTHER = 'fedcba9876543210'.repeat(4);

/** The reason of the TerminalError that `work` throws; anything else it does fails the test. */
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof TerminalError) return error.reason;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('containerId', () => {
  it.each([
    ['a bare id', HEX],
    ['the form of pod status', `containerd://${HEX}`],
    ['the form of another runtime', `cri-o://${HEX}`],
  ])('accepts %s', (_, text) => {
    expect(containerId(text)).toBe(HEX);
  });

  it.each([
    ['nothing', ''],
    ['a scheme alone', 'containerd://'],
    ['a short id', HEX.slice(0, 12)],
    ['a digit too many', `${HEX}0`],
    ['upper case', HEX.toUpperCase()],
    ['a glob', '*'],
    ['a path', `../${HEX}`],
    ['a line end after the id', `${HEX}\n`],
    ['two ids', `${HEX}\n${OTHER}`],
    ['two schemes', `a://b://${HEX}`],
  ])('refuses %s', (_, text) => {
    expect(refusal(() => containerId(text))).toBe('InvalidContainerId');
  });
});

describe('hostPid', () => {
  it.each([
    [2, 2],
    [4194304, 4194304],
    ['31337', 31337],
  ])('accepts %j', (value, pid) => {
    expect(hostPid(value)).toBe(pid);
  });

  it.each([
    ['nothing', ''],
    ['init', 1],
    ['init as text', '1'],
    ['the own process group', 0],
    ['every process', -1],
    ['every process as text', '-1'],
    ['a process group', -4711],
    ['a fraction', 12.5],
    ['no number', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['hexadecimal text', '0x10'],
    ['two pids', '12 13'],
    ['a pid and a line end', '12\n'],
    ['a path', '../12'],
    ['undefined', undefined],
    ['null', null],
    ['a list of one', [12]],
    ['true', true],
  ])('refuses %s', (_, value) => {
    expect(refusal(() => hostPid(value))).toBe('InvalidPid');
  });
});

describe('containerCgroup', () => {
  const id = containerId(HEX);

  it.each([
    ['cgroupfs', `/kubepods/burstable/pod1234/${HEX}`],
    ['cgroupfs seen from a node that is a container', `/${HEX}`],
    ['systemd', `/kubepods.slice/kubepods-pod1234.slice/cri-containerd-${HEX}.scope`],
  ])('accepts the path of driver %s', (_, path) => {
    expect(containerCgroup(path, id)).toBe(path);
  });

  it.each([
    ['an empty path, as a vanished process leaves it', ''],
    ['the root', '/'],
    ['the pod', '/kubepods/burstable/pod1234'],
    ['another container', `/kubepods/pod1234/${OTHER}`],
    ['another container inside of this one', `/kubepods/${HEX}/${OTHER}`],
    ['a child group', `/kubepods/pod1234/${HEX}/init`],
    ['a trailing slash', `/kubepods/pod1234/${HEX}/`],
    ['a relative path', `kubepods/pod1234/${HEX}`],
    ['a way up', `/kubepods/../${HEX}`],
    ['a way up at the start', `/../${HEX}`],
    ['a way up at the end', `/kubepods/${HEX}/..`],
    ['a name that merely contains the id', `/kubepods/x${HEX}`],
    ['a scope of another container', `/kubepods.slice/cri-containerd-${OTHER}.scope`],
    ['a scope without a runtime', `/kubepods.slice/${HEX}.scope`],
    ['a scope with two ids', `/kubepods.slice/cri-${OTHER}-${HEX}.scope`],
    ['a service', `/system.slice/cri-containerd-${HEX}.service`],
  ])('refuses %s', (_, path) => {
    expect(refusal(() => containerCgroup(path, id))).toBe('InvalidCgroup');
  });
});
