/** The same calls through NVIDIA's program `cuda-checkpoint`, for a node where that is what is installed and supported. */
import { command } from '../linux/command';
import { toolArgs } from './args';
import type { CudaAnswer, CudaCall, MakeCall } from './protocol';
import { NO_DRIVER, processStates } from './protocol';

/** Above whatever a call may take: whoever asked has a deadline of its own, and ends the helper with this in it. */
const LONGEST_MS = 3_600_000;

export const toolCalls =
  (tool: string): MakeCall =>
  async (call) => {
    if (call.call === 'devices') return { rc: NO_DRIVER, message: `${tool} lists no devices` };
    const { code, stdout, stderr } = await command(toolArgs(tool, call), { deadlineMs: LONGEST_MS });
    if (code !== 0) return { rc: code, message: (stderr.trim() || stdout.trim()).split('\n').pop() ?? '' };
    return answerOf(call, stdout.trim());
  };

function answerOf({ call }: CudaCall, stdout: string): CudaAnswer {
  if (call === 'restoreThread') return { rc: 0, thread: Number(/\d+/.exec(stdout)?.[0] ?? 0) };
  if (call !== 'state') return { rc: 0 };
  const state = processStates.find((name) => stdout.toLowerCase().includes(name));
  return state === undefined
    ? { rc: NO_DRIVER, message: `it says ${JSON.stringify(stdout)}` }
    : { rc: 0, state };
}
