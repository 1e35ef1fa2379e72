/** Workers of Dynamo 1.0 know no control files: SIGUSR1 tells them that they were captured and may leave, SIGCONT that they were restored. */
import { readFileSync } from 'node:fs';
import { controlEnv } from '@dynamo-snapshot/api/control';
import type { HostPid } from '../linux/ids';

const SIGUSR1 = 10;
const SIGCONT = 18;

/** SigCgt of proc_pid_status(5): bit n - 1 is signal n. */
export function catches(status: string, signals: readonly number[]): boolean {
  const mask = BigInt(`0x${/^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return signals.every((signal) => ((mask >> BigInt(signal - 1)) & 1n) === 1n);
}

/**
 * It asks for them where it has a handler for both and was given the variable that switches them on: whoever has no handler would be
 * ended by SIGUSR1, and other programs catch it for purposes of their own.
 */
export function speaksSignals(pid: HostPid): boolean {
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  const isOn = environment.some((entry) => entry.startsWith(`${controlEnv.readyFile}=`));
  return isOn && catches(readFileSync(`/proc/${pid}/status`, 'utf8'), [SIGUSR1, SIGCONT]);
}
