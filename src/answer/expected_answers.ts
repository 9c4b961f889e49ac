// Reads which answers count as right where a question has several. They travel as one text, so that tables, data sets,
// runs and exported jobs carry them alike: a JSON list of texts, as `["3", "three"]`. Anything else is one answer as it
// stands, a list of numbers such as `[1, 2]` included. The Python twin of the rewards reads the same.

/** Begins like a JSON list of texts. */
const LIST = /^[ \t\n\r]*\[[ \t\n\r]*"/;

/**
 * The right answers that an expected text names, in its order; never empty. A list with anything but texts that are not
 * blank is no list of answers. Linear in the text.
 */
export function expectedAnswers(expected: string): readonly string[] {
  if (!LIST.test(expected)) return [expected];
  let list: unknown;
  try {
    list = JSON.parse(expected);
  } catch {
    return [expected];
  }
  const isAnswer = (item: unknown): boolean => typeof item === 'string' && item.trim() !== '';
  return Array.isArray(list) && list.length > 0 && list.every(isAnswer) ? list : [expected];
}

/** One text for several right answers; a single one stays as it is. */
export function expectedText(answers: readonly string[]): string {
  const [only] = answers;
  return answers.length === 1 && only !== undefined ? only : JSON.stringify(answers);
}

/** An expected text for people: `3 or three`. */
export function expectedWords(expected: string): string {
  return expectedAnswers(expected).join(' or ');
}
