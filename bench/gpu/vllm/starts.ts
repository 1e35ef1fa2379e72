/** Cold starts with nothing compiled, and with what a start before has compiled. */
const starts = ['empty', 'warm'] as const;
export type Start = (typeof starts)[number];

/** In the order in which they are named, by default both; `name` is that of the variable. */
export const startsOf = (name: string, value = starts.join()): readonly Start[] =>
  wordsOf(value).map((word) => {
    const start = starts.find((one) => one === word);
    if (start === undefined) throw new Error(`${name} names ${word}, which is none of ${starts.join()}`);
    return start;
  });

export const wordsOf = (text: string): readonly string[] => text.split(/[ ,]+/).filter((word) => word !== '');
