/** Cold starts with nothing compiled, and with what a start before has compiled. */
export const starts = ['empty', 'warm'] as const;
export type Start = (typeof starts)[number];
