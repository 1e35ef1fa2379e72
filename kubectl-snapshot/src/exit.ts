/** Exit codes, as `kubectl snapshot --help` and the docs tell them. */

export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** verify, diff and doctor: looked at everything, and found faults, differences or problems. */
  found: 3,
  /** capture and restore: the operation itself failed in the cluster. */
  operationFailed: 4,
  timedOut: 5,
  interrupted: 130,
} as const;

export const exitCodeHelp = `Exit codes:
  0    done
  1    failed: the cluster was not reached, an object is missing, a file cannot be read
  2    the command line is wrong
  3    verify, diff, doctor: a fault, a difference or a problem was found
  4    capture, restore: the operation failed in the cluster
  5    capture, restore: not done within --timeout; it goes on in the cluster
  130  interrupted`;
