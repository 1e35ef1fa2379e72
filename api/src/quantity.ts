/** Sizes and durations for people. */

const units = ['B', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'] as const;

/** 1536 -> "1.5Ki"; at most three significant digits. */
export function humanBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = value >= 100 || unit === 0 ? 0 : 1;
  return `${value.toFixed(digits).replace(/\.0$/, '')}${units[unit]}`;
}

export const humanSeconds = (seconds: number): string =>
  seconds < 10
    ? `${seconds.toFixed(2)}s`
    : seconds < 100
      ? `${seconds.toFixed(1)}s`
      : `${Math.round(seconds)}s`;
