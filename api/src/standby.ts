/** The command line of a placeholder: what the webhook writes into a pod, and what an operator and an agent read out of it again. */
import { STANDBY_PATH } from './control';

export const fallbacks = ['ColdStart', 'Fail'] as const;
export type Fallback = (typeof fallbacks)[number];

export interface StandbyOrders {
  /** After so long without a claim, standby does by itself what `otherwise` says; absent = it waits for ever. */
  readonly unclaimedSeconds?: number;
  readonly otherwise?: Fallback;
  /** What a cold start runs; empty = nothing can be started cold. */
  readonly command: readonly string[];
}

const words = { ColdStart: 'cold', Fail: 'fail' } as const;

export const standbyCommand = ({ unclaimedSeconds, otherwise, command }: StandbyOrders): string[] => [
  STANDBY_PATH,
  ...(unclaimedSeconds === undefined ? [] : ['--unclaimed', String(unclaimedSeconds)]),
  ...(otherwise === undefined ? [] : ['--otherwise', words[otherwise]]),
  ...(command.length === 0 ? [] : ['--', ...command]),
];

/** Undefined for a command line that is not standby's, wherever an image may keep it. */
export function parseStandbyCommand(argv: readonly string[]): StandbyOrders | undefined {
  if (argv[0]?.endsWith('/standby') !== true) return undefined;
  const end = argv.indexOf('--');
  const options = end === -1 ? argv.slice(1) : argv.slice(1, end);
  const value = (name: string) => {
    const at = options.indexOf(name);
    return at === -1 ? undefined : options[at + 1];
  };
  const unclaimed = Number(value('--unclaimed'));
  const otherwise = fallbacks.find((f) => words[f] === value('--otherwise'));
  return {
    command: end === -1 ? [] : argv.slice(end + 1),
    ...(unclaimed > 0 ? { unclaimedSeconds: unclaimed } : {}),
    ...(otherwise === undefined ? {} : { otherwise }),
  };
}

/** Of a container that was a placeholder, what it stood for; else the command line itself. */
export const originalCommand = (argv: readonly string[]): readonly string[] =>
  parseStandbyCommand(argv)?.command ?? argv;
