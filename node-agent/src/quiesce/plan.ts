/** What a hook does in full, with the defaults filled in; pure. */
import type { Hook } from '@dynamo-snapshot/api/hooks';
import { hookDefaults } from '@dynamo-snapshot/api/hooks';
import { TerminalError } from '@dynamo-snapshot/api/errors';

export interface HttpCall {
  readonly kind: 'http';
  readonly method: string;
  readonly path: string;
  readonly port: number;
  /** Absent = any of 200 to 299. */
  readonly expectedStatus?: number;
  readonly timeoutMs: number;
}

export interface ExecCall {
  readonly kind: 'exec';
  readonly command: readonly string[];
  readonly timeoutMs: number;
}

export type HookCall = HttpCall | ExecCall;

export function callOf({ http, exec }: Hook): HookCall {
  const { timeoutSeconds = hookDefaults.timeoutSeconds } = http ?? exec ?? {};
  const timeoutMs = timeoutSeconds * 1000;
  if (exec !== undefined) return { kind: 'exec', command: exec.command, timeoutMs };
  if (http === undefined) throw new TerminalError('InvalidSpec', 'a hook has neither http nor exec');
  const { method = hookDefaults.method, path = hookDefaults.path, port, expectedStatus } = http;
  return {
    kind: 'http',
    method,
    path,
    port,
    timeoutMs,
    ...(expectedStatus === undefined ? {} : { expectedStatus }),
  };
}

/** For logs and errors. */
export const sentenceOf = (call: HookCall): string =>
  call.kind === 'http' ? `${call.method} :${call.port}${call.path}` : call.command.join(' ');

export const isExpected = ({ expectedStatus }: HttpCall, status: number): boolean =>
  expectedStatus === undefined ? status >= 200 && status < 300 : status === expectedStatus;
