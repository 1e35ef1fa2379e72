/** A bar of eighths of a block; pure. */

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

export function bar(fraction: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, fraction)) * width * 8);
  const full = '█'.repeat(Math.floor(eighths / 8));
  const text = `${full}${EIGHTHS[eighths % 8] ?? ''}`;
  return text + '░'.repeat(width - text.length);
}
