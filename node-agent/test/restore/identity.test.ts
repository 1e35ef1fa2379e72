import type { PodFacts } from '../../src/engine';
import { restoreContext, restoreEnvironment } from '../../src/restore/identity';
import { addressesOf, editsOfClone, movedAddresses } from '../../src/restore/images';

const pod: PodFacts = {
  ...{ namespace: 'n', name: 'clone-1', uid: 'u', nodeName: 'node-b', containerName: 'main', volumes: [] },
  ...{ ip: '10.0.0.2', ips: ['10.0.0.2', 'fd00::2'], hostname: 'clone-1' },
};

describe('what a worker is told of itself', () => {
  it('is JSON of version 1', () => {
    expect(JSON.parse(restoreContext(pod, 'ab'))).toEqual({
      ...{ version: 1, podName: 'clone-1', podNamespace: 'n', podUid: 'u', podIp: '10.0.0.2' },
      ...{ podIps: ['10.0.0.2', 'fd00::2'], nodeName: 'node-b', hostname: 'clone-1', seed: 'ab' },
      serviceAccountTokenPath: '/var/run/secrets/kubernetes.io/serviceaccount/token',
    });
  });

  it('is lines of a shell, without what is not known', () => {
    const rest = { ...pod, ip: '' };
    expect(restoreEnvironment(rest, 'ab')).toBe(
      'POD_NAME=clone-1\nPOD_NAMESPACE=n\nPOD_UID=u\nNODE_NAME=node-b\nHOSTNAME=clone-1\nSNAPSHOT_SEED=ab\n',
    );
    expect(restoreEnvironment(undefined, 'ab')).toBe('SNAPSHOT_SEED=ab\n');
  });
});

describe('the addresses of a clone', () => {
  it.each<[readonly string[], readonly string[], object]>([
    [['10.0.0.1'], ['10.0.0.2'], { '10.0.0.1': '10.0.0.2' }],
    [['10.0.0.1', 'fd00::1'], ['fd00::2', '10.0.0.2'], { '10.0.0.1': '10.0.0.2', 'fd00::1': 'fd00::2' }],
    [['10.0.0.1', 'fd00::1'], ['10.0.0.2'], { '10.0.0.1': '10.0.0.2' }],
    [[], ['10.0.0.2'], {}],
  ])('%j become those of the same family in %j', (from, to, expected) => {
    expect(Object.fromEntries(movedAddresses(from, to))).toEqual(expected);
  });

  it('are those that the pod has, one or many', () => {
    expect(addressesOf({ podIp: 'a' })).toEqual(['a']);
    expect(addressesOf({ podIp: 'a', podIps: ['a', 'b'] })).toEqual(['a', 'b']);
    expect(addressesOf({})).toEqual([]);
  });
});

describe('editsOfClone', () => {
  const rewrite = { addresses: new Map<string, string>(), keepLocal: false };

  it('are the sockets alone; without anything to move they are as they were', () => {
    const sockets = Buffer.alloc(8, 1);
    const content = new Map([
      ['criu/files.img', sockets],
      ['criu/inventory.img', Buffer.alloc(4)],
    ]);
    expect([...editsOfClone(content, rewrite)]).toEqual([['criu/files.img', sockets]]);
  });

  it('are refused where the sockets are missing', () => {
    expect(() => editsOfClone(new Map(), rewrite)).toThrow('criu/files.img is missing');
  });
});
