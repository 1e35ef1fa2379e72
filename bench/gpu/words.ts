/** Lists of words, as a variable of the environment has them; pure. */

export const wordsOf = (text: string): readonly string[] => text.split(/[ ,]+/).filter((word) => word !== '');

/** In the order in which they are named, by default all; `name` is that of the variable. */
export const several = <T extends string>(
  name: string,
  all: readonly T[],
  value = all.join(),
): readonly T[] =>
  wordsOf(value).map((word) => {
    const known = all.find((one) => one === word);
    if (known === undefined) throw new Error(`${name} names ${word}, which is none of ${all.join()}`);
    return known;
  });
