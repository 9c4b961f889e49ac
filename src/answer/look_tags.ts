// Lists the tags that a look back can be written in: the method's own, other words for it, and spellings for
// vocabularies of whole words. Which one holds is a setting of a run and of an evaluation; everything else that
// reads or writes answers is given the tags as data.

/** The tags of a look back as they are written. */
export interface LookTags {
  /** The word inside both, as prompts name it. */
  readonly word: string;
  /** What stands before the word in the closing tag. */
  readonly slash: '/' | '-';
  readonly open: string;
  readonly close: string;
}

function tight(word: string): LookTags {
  return { word, slash: '/', open: `<${word}>`, close: `</${word}>` };
}

/** A vocabulary of whole words has brackets and a minus, and neither tags of its own for the word nor a slash. */
function spaced(word: string): LookTags {
  return { word, slash: '-', open: `< ${word} >`, close: `< - ${word} >` };
}

/** Every choice by its name. Each tag begins with `<`, ends with `>` and has neither inside, so that none begins another. */
export const LOOK_TAGS = {
  back: tight('back'),
  recheck: tight('recheck'),
  review: tight('review'),
  words_back: spaced('back'),
  words_check: spaced('check'),
  words_see: spaced('see'),
} as const satisfies Readonly<Record<string, LookTags>>;

/** Name of a choice. */
export type LookTagName = keyof typeof LOOK_TAGS;

/** The method's own, which hold wherever nothing else is said. */
export const BACK_TAGS: LookTags = LOOK_TAGS.back;

/** A text that asks for the method's look, asking for this one: its tags, and its word where it stands alone. */
export function inLookWords(text: string, { word, open, close }: LookTags): string {
  return text.replaceAll(/<back>|<\/back>|\bback\b/g, (found) =>
    found === BACK_TAGS.open ? open : found === BACK_TAGS.close ? close : word,
  );
}
