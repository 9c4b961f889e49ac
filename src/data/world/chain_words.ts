// Words the thoughts around a look: as pocket itself writes them, or as somebody else would, in other sentences of the
// same vocabulary. A thought is a function of the question and of the counts that it takes itself to have seen.

import type { Line } from './grid';
import { chainText, glanceText, lineTitle, secondThought, selectorName } from './oracle';
import { LARGEST_NUMBER, type Question, runningValues, type Selector } from './question';

/** Somebody who words thoughts. */
export interface ChainWords {
  /** A whole thought before any look: what it sees, then what follows from it. Its first sentence is what it sees. */
  first(question: Question, counts: readonly number[]): string;
  /** The thought after the last look, which goes by all counts. */
  last(question: Question, counts: readonly number[]): string;
  /** The thought after a look at one of several lines. */
  between(question: Question, line: Line, count: number): string;
}

/** As pocket was taught to think. */
export const OWN_WORDS: ChainWords = {
  first: (question, counts) => glanceText(question, counts) + chainText(question, counts),
  last: secondThought,
  between: (_, line, count) => `so ${lineTitle(line)} ${count}.`,
};

/** `there is 1 red square.`, `there are 2 red squares.` */
function thereAre(selector: Selector, count: number | undefined): string {
  return `there ${count === 1 ? 'is' : 'are'} ${count} ${selectorName(selector, count)}.`;
}

/** `row a has 2 and row c has 1.` */
function linesHave(lines: readonly Line[], counts: readonly number[]): string {
  return `${lines.map((line, i) => `${lineTitle(line)} has ${counts[i]}`).join(' and ')}.`;
}

function seen({ selector, lines, start }: Question, counts: readonly number[]): string {
  if (selector === undefined) return `take ${start}.`;
  return lines === undefined ? thereAre(selector, counts[0]) : linesHave(lines, counts);
}

/** What follows from the counts, with a leading space: ` 11 minus 2 is 9. 9 plus 3 is 12.` */
function follows(question: Question, counts: readonly number[]): string {
  const { kind, lines, start, operations } = question;
  const [count = 0, other = 0] = counts;
  if (kind === 'any') return ` so the result is ${count > 0 ? 'yes' : 'no'}.`;
  if (lines !== undefined) {
    const [first, second] = lines;
    if (count === other) return ` ${lineTitle(first)} and ${lineTitle(second)} are the same.`;
    return ` ${lineTitle(count > other ? first : second)} has more.`;
  }
  const values = runningValues(question, counts);
  const step = (from: number | undefined, verb: string, amount: number, to: number | undefined): string =>
    ` ${from} ${verb} ${amount} is ${to}.`;
  const begins =
    kind === 'take' || kind === 'plus'
      ? step(start, kind === 'take' ? 'minus' : 'plus', count, values[0])
      : '';
  const then = operations.map(({ verb, amount }, i) =>
    step(values[i], verb === 'add' ? 'plus' : 'minus', amount, values[i + 1]),
  );
  return begins + then.join('');
}

/** Somebody else's: no sentence of it is one that pocket would write. */
export const FOREIGN_WORDS: ChainWords = {
  first: (question, counts) => {
    const where = question.selector === undefined ? '' : 'in this picture ';
    return `${where}${seen(question, counts)}${follows(question, counts)}`;
  },
  last: (question, counts) => `now ${seen(question, counts)}${follows(question, counts)}`,
  between: (_, line, count) => `now ${linesHave([line], [count])}`,
};

const GLANCE = /^\s*i see (\d+)(?: and (\d+))? /;

/**
 * The counts that a thought of pocket's takes itself to have seen, as {@link glanceText} says them; null where it says none, or
 * where what follows from them leaves the numbers of the world.
 * @param thought without its tags
 */
export function glancedCounts(question: Question, thought: string): number[] | null {
  const wanted = question.selector === undefined ? 0 : (question.lines?.length ?? 1);
  const found = GLANCE.exec(thought)?.slice(1) ?? [];
  const counts = found.flatMap((digits) => (digits === undefined ? [] : [Number(digits)]));
  if (counts.length !== wanted) return null;
  const speakable = (value: number): boolean => value >= 0 && value <= LARGEST_NUMBER;
  return [...counts, ...runningValues(question, counts)].every(speakable) ? counts : null;
}
