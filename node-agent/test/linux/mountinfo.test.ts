import { externalMounts, parseMountinfo, upperDir } from '../../src/linux/mountinfo';

const MOUNTINFO = [
  '1055 1010 0:120 / / ro,relatime master:9 - overlay overlay rw,lowerdir=/l/1:/l/2,upperdir=/s/7/fs,workdir=/s/7/work',
  '1056 1055 0:123 / /proc rw,nosuid - proc proc rw',
  '1057 1056 0:123 /bus /proc/bus ro,nosuid - proc proc rw',
  '1058 1056 0:130 / /proc/acpi ro,relatime - tmpfs tmpfs ro',
  '1059 1055 0:124 / /dev rw,nosuid shared:4 master:2 propagate_from:1 - tmpfs tmpfs rw,size=65536k,mode=755',
  '1060 1059 0:118 / /dev/shm rw,nosuid - tmpfs shm rw,size=65536k',
  '1061 1055 8:1 /pods/u/volumes/my\\040data /data\\040dir\\134x rw - ext4 /dev/disk\\040one rw',
  '1062 1055 8:1 /pods/u/etc-hosts /etc/hosts rw,relatime - ext4 /dev/sda1 rw',
  '',
].join('\n');

describe('parseMountinfo', () => {
  const mounts = parseMountinfo(MOUNTINFO);

  it('reads a mount whatever the number of its optional fields', () => {
    expect(mounts.map((m) => [m.mountPoint, m.fsType])).toEqual([
      ['/', 'overlay'],
      ['/proc', 'proc'],
      ['/proc/bus', 'proc'],
      ['/proc/acpi', 'tmpfs'],
      ['/dev', 'tmpfs'],
      ['/dev/shm', 'tmpfs'],
      ['/data dir\\x', 'ext4'],
      ['/etc/hosts', 'ext4'],
    ]);
  });

  it('resolves the octal escapes of root, mount point and source', () => {
    expect(mounts[6]).toMatchObject({
      root: '/pods/u/volumes/my data',
      mountPoint: '/data dir\\x',
      source: '/dev/disk one',
    });
  });

  it('resolves an escape once only', () => {
    const [mount] = parseMountinfo('1 0 8:1 / /a\\134040b rw - ext4 /dev/sda1 rw');
    expect(mount?.mountPoint).toBe('/a\\040b');
  });

  it('keeps a comma that belongs to an option', () => {
    const [mount] = parseMountinfo('1 0 0:1 / / rw - overlay overlay rw,upperdir=/a\\054b,workdir=/w');
    expect(upperDir(mount === undefined ? [] : [mount])).toBe('/a,b');
  });
});

describe('upperDir', () => {
  it('is that of the root', () => {
    expect(upperDir(parseMountinfo(MOUNTINFO))).toBe('/s/7/fs');
  });

  it.each([
    ['the root is no overlay', '1 0 8:1 / / rw - ext4 /dev/sda1 rw'],
    ['only another mount is one', '1 0 0:9 / /x rw - overlay overlay rw,upperdir=/u'],
    ['the overlay cannot be written', '1 0 0:9 / / ro - overlay overlay ro,lowerdir=/l'],
  ])('is absent where %s', (_, text) => {
    expect(upperDir(parseMountinfo(text))).toBeUndefined();
  });

  it('is that of the uppermost of two mounts at the root', () => {
    const text = [
      '1 0 0:8 / / rw - overlay overlay rw,upperdir=/below',
      '2 1 0:9 / / rw - overlay overlay rw,upperdir=/above',
    ].join('\n');
    expect(upperDir(parseMountinfo(text))).toBe('/above');
  });
});

describe('externalMounts', () => {
  it('takes all from the pod but the root, procfs and the shared memory', () => {
    expect(externalMounts(parseMountinfo(MOUNTINFO))).toEqual([
      '/proc/acpi',
      '/dev',
      '/data dir\\x',
      '/etc/hosts',
    ]);
  });

  it.each([
    ['procfs elsewhere', '1 0 0:1 / /host/proc rw - proc proc rw', ['/host/proc']],
    ['a folder that only begins like /proc', '1 0 0:1 / /process rw - proc proc rw', ['/process']],
    ['shared memory that is no tmpfs', '1 0 8:1 / /dev/shm rw - ext4 /dev/sda1 rw', ['/dev/shm']],
  ])('takes %s from the pod', (_, text, expected) => {
    expect(externalMounts(parseMountinfo(text))).toEqual(expected);
  });

  it('names a mount point once', () => {
    const line = '1 0 8:1 / /data rw - ext4 /dev/sda1 rw';
    expect(externalMounts(parseMountinfo(`${line}\n${line}`))).toEqual(['/data']);
  });
});
