import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageNames, isLoaded, manifestDigests } from '../images';
import { cacheRoot } from '../instance';
import { missingPackages } from '../packages';
import { difference } from '../picture';
import { poll } from '../poll';
import { printProgress } from '../progress';
import { CommandFailed, run } from '../run';
import { ofThisBoot, parseState } from '../state';
import { goMod, linkerFlags } from '../toolchain';

describe('packages', () => {
  it('are installed when dpkg says so, not when only their configuration is left', () => {
    const listed = 'runc installed\ncontainerd config-files\nruncible installed\n';
    expect(missingPackages(['runc', 'containerd', 'socat'], listed)).toEqual(['containerd', 'socat']);
  });
});

describe('the Kubernetes build', () => {
  it('replaces every staging module, and nothing else, by its published version', () => {
    const upstream =
      'replace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n\tgithub.com/x/y => github.com/z/y v1.0.0\n)\n';
    const text = goMod(upstream);
    expect(text).toContain('\tk8s.io/api => k8s.io/api v0.34.4\n');
    expect(text).not.toContain('github.com/x/y');
  });

  it('tells the API server its version', () => {
    expect(linkerFlags('v1.34.4')).toBe(
      '-s -w -X k8s.io/component-base/version.gitVersion=v1.34.4 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34',
    );
  });
});

describe('images', () => {
  const annotations = { 'org.opencontainers.image.ref.name': 'docker.io/library/x:1' };
  const index = JSON.stringify({ manifests: [{ digest: 'sha256:aa', annotations }] });
  const listed = 'REF TYPE DIGEST SIZE\ndocker.io/library/x:1 application/vnd.oci sha256:aa 1 MiB\n';

  it.each([
    ['there', index, listed, true],
    ['another version of it', index, listed.replace('sha256:aa', 'sha256:bb'), false],
    ['absent', index, 'REF TYPE DIGEST SIZE\n', false],
    [
      'in an archive that names no image',
      JSON.stringify({ manifests: [{ digest: 'sha256:aa' }] }),
      listed,
      false,
    ],
    ['in an archive of another kind', '{}', listed, false],
  ])('that are %s', (_, text, list, loaded) => {
    expect(isLoaded(list, imageNames(text), manifestDigests(text))).toBe(loaded);
  });
});

describe('the state file', () => {
  const member = { init: { pid: 7, startTime: '1' }, daemons: {} };
  const state = { name: 'dev', index: 0, bootId: 'one', tool: 't', built: true, members: { cp: member } };

  it('comes back as it was written', () => {
    expect(parseState(JSON.stringify(state))).toEqual(state);
  });

  it.each(['', '{', '{}', 'null', '{"name":"dev"}'])('counts as absent when it is "%s"', (text) => {
    expect(parseState(text)).toBeUndefined();
  });

  it('says nothing about processes after the machine was started again', () => {
    expect(ofThisBoot(state, 'one').members).toEqual({ cp: member });
    expect(ofThisBoot(state, 'two').members).toEqual({});
  });
});

describe('the comparison of before and after', () => {
  const scope = { name: 'mine', namespaces: ['net:[77]'], others: [] };

  it('names what is left and what is lost', () => {
    const before = { mount: ['a', 'b'], link: ['lo'] };
    const after = { mount: ['b', 'c'], link: ['lo'] };
    expect(difference(before, after, scope)).toEqual(['- mount: a', '+ mount: c']);
  });

  it('leaves out what other clusters and image builds do meanwhile', () => {
    const after = {
      link: ['9: ds1-cp', '9: ds11'],
      cgroup: ['/sys/fs/cgroup/cpu/ds-dev-cp/x', '/sys/fs/cgroup/cpu/ds-mine-cp'],
      mount: [`/ ${cacheRoot()}/buildah/storage/overlay/1/merged`],
      cluster: ['dev', 'mine'],
    };
    expect(difference({}, after, { ...scope, others: [{ name: 'dev', index: 1 }] })).toEqual([
      '+ link: 9: ds11',
      '+ cgroup: /sys/fs/cgroup/cpu/ds-mine-cp',
      '+ cluster: mine',
    ]);
  });

  it('counts a process by its cgroup, its command line or its namespaces, and no other', () => {
    const after = {
      process: [
        '5 since 1, sleep, 1:cpu:/ds-mine-cp/x, net:[1]',
        '6 since 1, etcd --data-dir=/var/lib/dynamo-snapshot-clusters/mine/cp, 1:cpu:/, net:[1]',
        '7 since 1, sleep, 1:cpu:/, net:[77]',
        '8 since 1, sleep, 1:cpu:/, net:[1]',
        '9 since 1, sleep, 1:cpu:/ds-mine2-cp/x, net:[1]',
      ],
    };
    expect(difference({}, after, scope).map((line) => line.slice(11, 12))).toEqual(['5', '6', '7']);
  });
});

describe('commands', () => {
  let dir = '';
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'run-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('return what they print', async () => {
    expect(await run({ argv: ['printf', '%s', 'a b'] })).toBe('a b');
  });

  it('fail with what they said', async () => {
    const failure = run({ argv: ['sh', '-c', 'echo why >&2; exit 3'] });
    await expect(failure).rejects.toThrow(CommandFailed);
    await expect(failure).rejects.toThrow(/ended with 3: why/);
  });

  it('are ended at their time limit', async () => {
    await expect(run({ argv: ['sleep', '30'], limitMs: 50 })).rejects.toThrow('time limit');
  });

  it('fail when their input cannot be read', async () => {
    await expect(run({ argv: ['cat'], inputFile: join(dir, 'missing') })).rejects.toThrow('ENOENT');
  });
});

it('stops asking at the limit', async () => {
  let asked = 0;
  const never = async (): Promise<boolean> => {
    asked++;
    return false;
  };
  expect(await poll(never, { limitMs: 30, everyMs: 5 })).toBe(false);
  expect(asked).toBeGreaterThan(1);
});

it('prints each step with the seconds since the start', () => {
  const times = [1000, 2500];
  const printed: string[] = [];
  printProgress(
    (text) => printed.push(text),
    () => times.shift() ?? 0,
  )('step');
  expect(printed).toEqual(['[   1.5 s] step\n']);
});
