import { jobOf } from '../src/job';

const whole: Readonly<Record<string, string>> = {
  artifact: '/store/a',
  digest: 'sha256:00',
  images: '/w/images',
  root: '/r',
  work: '/w',
  criu: '/opt/criu',
  'net-fd': '3',
  'stdin-fd': '4',
  'stdout-fd': '5',
  'stderr-fd': '6',
  'oom-score-adj': '300',
  'deadline-seconds': '60',
  'cgroup-ns': '/proc/9/ns/cgroup',
};

const argv = (over: Readonly<Record<string, string>> = {}, without = ''): readonly string[] =>
  Object.entries({ ...whole, ...over })
    .filter(([name]) => name !== without)
    .flatMap(([name, value]) => [`--${name}`, value]);

describe('jobOf', () => {
  it('reads every option', () => {
    expect(jobOf([...argv(), '--cgroup-procs', '/a', '--cgroup-procs', '/b'])).toEqual({
      artifact: '/store/a',
      digest: 'sha256:00',
      images: '/w/images',
      root: '/r',
      work: '/w',
      criu: '/opt/criu',
      cgroupProcs: ['/a', '/b'],
      cgroupNs: '/proc/9/ns/cgroup',
      fds: { net: 3, stdin: 4, stdout: 5, stderr: 6 },
      oomScoreAdj: '300',
      deadlineMs: 60_000,
    });
  });

  it.each(Object.keys(whole))('refuses a command line without --%s', (name) => {
    expect(() => jobOf(argv({}, name))).toThrow(
      expect.objectContaining({ reason: 'InvalidArguments', message: `--${name} is missing` }),
    );
  });

  it.each(['x', '1.5', '', ' '])('refuses %j as a descriptor', (value) => {
    expect(() => jobOf(argv({ 'net-fd': value }))).toThrow(
      expect.objectContaining({ reason: 'InvalidArguments' }),
    );
  });

  it('refuses an option that it does not know', () => {
    expect(() => jobOf([...argv(), '--config', '/etc/criu'])).toThrow("Unknown option '--config'");
  });

  it('takes the negative OOM score of a Guaranteed pod, as the agent passes it', () => {
    expect(jobOf(argv({ 'oom-score-adj': '-997' })).oomScoreAdj).toBe('-997');
  });
});
