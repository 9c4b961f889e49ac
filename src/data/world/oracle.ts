// The words of right answers: thoughts, looks at every cell, lists. Every text is a function of the picture's facts, the
// question and the counts that a thought takes itself to have seen; nothing here draws random numbers.

import { CELL_NAMES, type Line, lineCells, lineName } from './grid';
import {
  answerOf,
  type CellContent,
  countMatches,
  countsOf,
  matches,
  type PictureFacts,
  type Question,
  runningValues,
  type Selector,
} from './question';

/** `red squares`, `circles`, `red objects`, `brown cells`; singular for a count of one. */
export function selectorName(selector: Selector, count = 2): string {
  const noun = selector.target === 'cells' ? 'cell' : (selector.shape ?? 'object');
  const words = count === 1 ? noun : `${noun}s`;
  return selector.colour === undefined ? words : `${selector.colour} ${words}`;
}

function relation(first: number, second: number): string {
  return first > second ? '>' : first < second ? '<' : '=';
}

/** `row a`, `column 3`. */
export function lineTitle(line: Line): string {
  return `${line.axis} ${lineName(line)}`;
}

/** The counts of compared lines, each behind its line's name: `row a 2 and row c 1`. */
function lineCounts(lines: readonly Line[], counts: readonly number[], between: string): string {
  return lines.map((line, i) => `${lineTitle(line)} ${counts[i]}`).join(` ${between} `);
}

/** The written arithmetic: ` 11 - 2 = 9. 9 + 3 = 12.` with a leading space, empty when there is nothing to compute. */
export function chainText(question: Question, counts: readonly number[]): string {
  const [count = 0, other = 0] = counts;
  if (question.kind === 'any') return ` ${count} ${relation(count, 0)} 0.`;
  if (question.lines !== undefined) {
    return ` ${lineCounts(question.lines, counts, relation(count, other))}.`;
  }
  const values = runningValues(question, counts);
  let text = '';
  if (question.kind === 'take') text += ` ${question.start} - ${count} = ${values[0]}.`;
  if (question.kind === 'plus') text += ` ${question.start} + ${count} = ${values[0]}.`;
  question.operations.forEach(({ verb, amount }, i) => {
    text += ` ${values[i]} ${verb === 'add' ? '+' : '-'} ${amount} = ${values[i + 1]}.`;
  });
  return text;
}

function contentWords({ colour, shape }: CellContent): string {
  return shape === undefined ? colour : `${colour} ${shape}`;
}

/** Looks at cells in order; matches are numbered as they come, others marked: `a1 - a2 red square 1 a3 blue ring x`. */
function scanCells(facts: PictureFacts, selector: Selector, cells: readonly number[]): string {
  let found = 0;
  return cells
    .map((index) => {
      const content = facts.cells[index] ?? null;
      if (content === null) return `${CELL_NAMES[index]} -`;
      const mark = matches(selector, content) ? `${++found}` : 'x';
      return `${CELL_NAMES[index]} ${contentWords(content)} ${mark}`;
    })
    .join(' ');
}

/**
 * A look at all cells, or line by line at the lines that are compared, each with its count before the next begins:
 * `row a a1 - … so row a 0 row c c1 … so row c 2`. A name right before its count is what the model can copy later.
 */
export function scanText(facts: PictureFacts, selector: Selector, lines?: readonly Line[]): string {
  if (lines === undefined) return scanCells(facts, selector, [...CELL_NAMES.keys()]);
  return lines
    .map((line) => {
      const cells = scanCells(facts, selector, lineCells(line));
      const title = lineTitle(line);
      return `${title} ${cells} so ${title} ${countMatches(facts, selector, line)}`;
    })
    .join(' ');
}

/** Every cell with what lies in it: `a1 red circle a2 - …`, `a1 brown a2 blue …`. */
export function listText(facts: PictureFacts): string {
  return facts.cells
    .map((content, i) => `${CELL_NAMES[i]} ${content === null ? '-' : contentWords(content)}`)
    .join(' ');
}

/** The prompts that ask for {@link listText}. */
export const LIST_PROMPTS = { sheet: 'List the objects', photograph: 'List the colours' } as const;

/** The prompt that asks for a scan: `Check the red squares`, `Check the brown cells in row a and row c`. */
export function checkPrompt(selector: Selector, lines?: readonly Line[]): string {
  const where = (lines ?? []).map(lineTitle).join(' and ');
  return `Check the ${selectorName(selector)}${where === '' ? '' : ` in ${where}`}`;
}

/** What a thought says that it sees, before any arithmetic: `i see 2 red squares.`, `start with 7.` */
export function glanceText(question: Question, counts: readonly number[]): string {
  const { selector, start } = question;
  if (selector === undefined) return `start with ${start}.`;
  return `i see ${counts.join(' and ')} ${selectorName(selector, counts.length === 1 ? counts[0] : 2)}.`;
}

/**
 * The inside of a genuine `<back>`: the selector restated, then the scan; for kind `text`, the start restated.
 * @param only the one of the compared lines to look at; by default all that the question asks for
 */
export function backText(facts: PictureFacts, question: Question, only?: Line): string {
  const { selector, start } = question;
  if (selector === undefined) return `start with ${start}.`;
  const lines = only === undefined ? question.lines : [only];
  return `check the ${selectorName(selector)}. ${scanText(facts, selector, lines)}`;
}

/** The inside of the thought after a look. */
export function secondThought(question: Question, counts: readonly number[]): string {
  const { selector, lines, start } = question;
  const known = selector === undefined ? start : lines ? lineCounts(lines, counts, 'and') : counts[0];
  return `so ${known}.${chainText(question, counts)}`;
}

/** `\boxed{ 12 }`, spaced as pocket's tokenizer decodes it. */
export function boxed(answer: string): string {
  return `\\boxed{ ${answer} }`;
}

/** A whole plain chain of thought that saw these counts. */
export function chainOfThought(question: Question, counts: readonly number[]): string {
  const thought = glanceText(question, counts) + chainText(question, counts);
  return `<think> ${thought} </think> ${boxed(answerOf(question, counts))}`;
}

/**
 * Where a look stands: after a whole candidate solution, or in the middle of the reasoning, before the arithmetic
 * (Look-Back, arXiv 2507.03019: Solution-back and Semantic-back).
 */
export type LookPosition = 'solution' | 'semantic';

/** A whole Look-Back answer: the first thought saw `glanced`, `back` lies between, the second goes by `counts`. */
export function lookBackChain(
  position: LookPosition,
  question: Question,
  glanced: readonly number[],
  back: string,
  counts: readonly number[],
): string {
  const first = glanceText(question, glanced) + (position === 'solution' ? chainText(question, glanced) : '');
  const inside = back === '' ? '' : `${back} `;
  return (
    `<think> ${first} </think> <back> ${inside}</back> ` +
    `<think> ${secondThought(question, counts)} </think> ${boxed(answerOf(question, counts))}`
  );
}

/** The oracle's texts about one picture and one question. */
export interface OracleTexts {
  /** `<think> i see 2 red squares. … </think> \boxed{ 12 }` */
  readonly cot: string;
  /** The same with a genuine scan in `<back>` and a second thought, by position of the look. */
  readonly lookBack: Readonly<Record<LookPosition, string>>;
  /** Prompt and answer of a bare list. */
  readonly list: { readonly prompt: string; readonly answer: string };
  /** Prompt and answer of a bare scan; absent for kind `text`. */
  readonly check?: { readonly prompt: string; readonly answer: string };
}

/** The oracle's texts. */
export function oracleTexts(facts: PictureFacts, question: Question): OracleTexts {
  const { selector, lines } = question;
  const counts = countsOf(facts, question);
  const back = backText(facts, question);
  const texts = {
    cot: chainOfThought(question, counts),
    lookBack: {
      solution: lookBackChain('solution', question, counts, back, counts),
      semantic: lookBackChain('semantic', question, counts, back, counts),
    },
    list: { prompt: LIST_PROMPTS[facts.kind], answer: listText(facts) },
  };
  if (selector === undefined) return texts;
  return { ...texts, check: { prompt: checkPrompt(selector, lines), answer: `<back> ${back} </back>` } };
}
