/** Values of options as they are typed. */
import { InvalidArgumentError } from 'commander';

export function seconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text);
  if (match === null) throw new InvalidArgumentError('it is a number of seconds, or 90s, 5m, 1h.');
  const unit = { s: 1, m: 60, h: 3600 }[match[2] ?? 's'] ?? 1;
  return Number(match[1]) * unit;
}
