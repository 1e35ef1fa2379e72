/** What of CRIU's log a person needs: the errors, without noise that is known to be harmless. */

const HARMLESS = [
  /Can't setup RLIMIT_NOFILE/,
  /Can't keep kdat cache/,
  /cgroupd: recv req error/,
  /tun: Unable to create/,
];

export const errorLines = (log: string, most = 4): readonly string[] =>
  log
    .split('\n')
    .filter((line) => line.includes('Error') && !HARMLESS.some((noise) => noise.test(line)))
    .map((line) =>
      line
        .replace(/^\([\d.]+\)\s*/, '')
        .replace(/^\d+:\s*/, '')
        .trim(),
    )
    .slice(-most);
