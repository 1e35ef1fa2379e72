/** Command line of NVIDIA's cuda-checkpoint; pure. */
import type { CudaCall } from './protocol';

export function toolArgs(tool: string, call: Exclude<CudaCall, { call: 'devices' }>): readonly string[] {
  const pid = ['--pid', String(call.pid)];
  switch (call.call) {
    case 'state':
      return [tool, '--get-state', ...pid];
    case 'restoreThread':
      return [tool, '--get-restore-tid', ...pid];
    case 'lock':
      return [tool, '--action', 'lock', ...pid, '--timeout', String(call.timeoutMs)];
    case 'restore': {
      const map = call.gpuPairs.map(({ from, to }) => `${from}=${to}`).join(',');
      return [tool, '--action', 'restore', ...pid, ...(map === '' ? [] : ['--device-map', map])];
    }
    case 'checkpoint':
    case 'unlock':
      return [tool, '--action', call.call, ...pid];
  }
}
