/** A real browser without a window: Debian's chromium, or the one that CHROMIUM names. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const program = process.env['CHROMIUM'] ?? 'chromium';

export const browserVersion = (): string | undefined => {
  const { error, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return error === undefined && stdout.includes('Chromium') ? stdout.trim() : undefined;
};

/** Runs it on a file with options such as --screenshot=… or --dump-dom; gives what it printed. */
export function browse(
  file: string,
  options: readonly string[],
): { readonly stdout: string; readonly stderr: string } {
  const profile = mkdtempSync(join(tmpdir(), 'snapshot-browser-'));
  const quiet = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--hide-scrollbars',
    '--disable-dev-shm-usage',
    '--no-first-run',
  ];
  // Nothing is fetched: a page that needs the network is a fault.
  const offline = [
    '--host-resolver-rules=MAP * ~NOTFOUND',
    '--disable-background-networking',
    '--disable-component-update',
  ];
  try {
    const argv = [
      ...quiet,
      ...offline,
      `--user-data-dir=${profile}`,
      '--enable-logging=stderr',
      ...options,
      `file://${file}`,
    ];
    const { error, status, stdout, stderr } = spawnSync(program, argv, {
      encoding: 'utf8',
      timeout: 120_000,
    });
    if (error !== undefined || status !== 0)
      throw error ?? new Error(`${program}: exit ${status}: ${stderr.slice(-500)}`);
    return { stdout, stderr };
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
}
