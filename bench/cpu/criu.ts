/** CRIU 4.2 of Debian's unstable, unpacked beside a loader and libraries of its own, whatever this machine has. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const MIRROR = 'http://deb.debian.org/debian';
const LIBRARIES = 'usr/lib/x86_64-linux-gnu';

/** Path of a program that takes CRIU's arguments. Downloaded once, into the cache folder. */
export function ensureCriu(): string {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'dynamo-snapshot');
  const home = join(cache, 'criu-4.2');
  const program = join(home, 'criu');
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  const part = mkdtempSync(`${home}.`);
  unpack(part);
  const script = [
    '#!/bin/sh',
    `D=${home}/root`,
    `exec "$D/${LIBRARIES}/ld-linux-x86-64.so.2" \${SNAPSHOT_RLIMIT_PRELOAD:+--preload "$SNAPSHOT_RLIMIT_PRELOAD"} --inhibit-cache --library-path "$D/${LIBRARIES}" "$D/usr/sbin/criu" "$@"`,
  ];
  writeFileSync(join(part, 'criu'), `${script.join('\n')}\n`, { mode: 0o755 });
  renameSync(part, home);
  return program;
}

/** A package manager's state of our own: nothing is installed on the machine. */
function unpack(dir: string): void {
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'root'])
    mkdirSync(join(dir, folder), { recursive: true });
  writeFileSync(join(dir, 'state/status'), '');
  writeFileSync(join(dir, 'sid.list'), `deb [trusted=yes] ${MIRROR} sid main\n`);
  const options = [
    `Dir::Etc::sourcelist=${dir}/sid.list`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State=${dir}/state`,
    `Dir::State::status=${dir}/state/status`,
    `Dir::Cache=${dir}/cache`,
  ].flatMap((option) => ['-o', option]);
  const apt = (...args: string[]) =>
    execFileSync('apt-get', ['-qq', ...options, ...args], { stdio: 'ignore' });
  apt('update');
  apt('install', '-y', '--download-only', '--no-install-recommends', 'criu');
  const archives = join(dir, 'cache/archives');
  for (const name of readdirSync(archives).filter((n) => n.endsWith('.deb')))
    execFileSync('dpkg-deb', ['-x', join(archives, name), join(dir, 'root')]);
}
