// Lists the words of pocket's world that readers and writers of its texts share: what objects are called, and numbers.

/** The colours of objects. */
export const COLOURS = ['red', 'orange', 'yellow', 'green', 'blue', 'purple', 'pink', 'black'] as const;
/** The shapes of objects. */
export const SHAPES = ['circle', 'square', 'triangle', 'star', 'ring', 'heart'] as const;
/** One of {@link COLOURS}. */
export type Colour = (typeof COLOURS)[number];
/** One of {@link SHAPES}. */
export type Shape = (typeof SHAPES)[number];

/** Number words from zero on. */
export const NUMBER_WORDS: readonly string[] = (
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen ' +
  'eighteen nineteen twenty'
).split(' ');
