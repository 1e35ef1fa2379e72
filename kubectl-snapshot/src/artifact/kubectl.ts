/** kubectl as a child: streams to and from pods with its back-pressure, its authentication plugins and its proxies. */
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

export interface KubectlRun {
  readonly stdout: Readable;
  readonly stdin: Writable;
  /** Exit code and what was said on stderr. */
  readonly ended: Promise<{ readonly code: number; readonly stderr: string }>;
}

export type Kubectl = (args: readonly string[]) => KubectlRun;

const MOST_STDERR = 64 << 10;

export const kubectlAt =
  (program: string, signal: AbortSignal) =>
  (flags: readonly string[]): Kubectl =>
  (args) => {
    const child = spawn(program, [...flags, ...args], { signal });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < MOST_STDERR) stderr += chunk.toString();
    });
    // kubectl that ended early says why on stderr; a broken pipe to it says nothing more.
    child.stdin.on('error', () => {});
    const ended = new Promise<{ code: number; stderr: string }>((resolve, reject) => {
      child.on('error', (error) => reject(new Error(`run ${program}: ${error.message}`, { cause: error })));
      child.on('close', (code) => resolve({ code: code ?? 1, stderr: stderr.trim() }));
    });
    // Whoever reads the output first may not be listening yet.
    ended.catch(() => {});
    return { stdout: child.stdout, stdin: child.stdin, ended };
  };
