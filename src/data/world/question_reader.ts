// Reads questions as people type them back into what they ask, so that an answer can be checked against the picture.
// It reads every wording of wording.ts, whatever its case, with digits or number words, and nothing that it would have to
// guess at. Linear in the length of the text.

import { COLOUR_WORDS, type ColourWord } from './colour_words';
import { COLUMN_NAMES, type Line, ROW_NAMES } from './grid';
import {
  answerOf,
  countsOf,
  LARGEST_NUMBER,
  type Operation,
  type PictureFacts,
  type Question,
  type Selector,
} from './question';
import { COLOURS, type Colour, NUMBER_WORDS, SHAPES, type Shape } from './world_words';

/** Longer texts are not read: no question of the world comes near. */
const LONGEST = 400;
const OBJECT_NOUNS = new Set(['object', 'shape', 'thing']);
const CELL_NOUNS = new Set(['cell', 'tile']);
const POLITE = new Set(['please', 'mostly']);

function isOneOf<T extends string>(words: readonly T[], word: string | undefined): word is T {
  return word !== undefined && (words as readonly string[]).includes(word);
}

/** Sentences as lists of words: lower case, digits for number words, no commas. */
function sentences(text: string): string[][] {
  const plain = text
    .toLowerCase()
    .replace(/[–—−]/g, '-')
    .replace(/[+=]/g, ' $& ')
    .replace(/[",;:()]/g, ' ');
  return plain
    .split(/[.?!]/)
    .map((sentence) => sentence.split(/\s+/).filter((word) => word !== '' && !POLITE.has(word)))
    .map((words) =>
      words.map((word) => (NUMBER_WORDS.includes(word) ? `${NUMBER_WORDS.indexOf(word)}` : word)),
    )
    .map((words) => words.map((word) => (word === 'gray' ? 'grey' : word)))
    .filter((words) => words.length > 0);
}

function numberOf(word: string | undefined): number | null {
  if (word === undefined || !/^\d{1,2}$/.test(word)) return null;
  return Number(word) <= LARGEST_NUMBER ? Number(word) : null;
}

/** `red squares`, `rings`, `brown cell` as a selector. */
function readName(words: readonly string[]): Selector | null {
  const colour = words.length === 2 ? words[0] : undefined;
  const noun = words.at(-1)?.replace(/s$/, '') ?? '';
  if (words.length > 2 || (words.length === 2 && !isOneOf(COLOUR_WORDS, colour))) return null;
  if (CELL_NOUNS.has(noun))
    return colour === undefined ? null : { target: 'cells', colour: colour as ColourWord };
  if (colour !== undefined && !isOneOf(COLOURS, colour)) return null;
  const ofColour: { colour?: Colour } = colour === undefined ? {} : { colour: colour as Colour };
  if (isOneOf<Shape>(SHAPES, noun)) return { target: 'objects', ...ofColour, shape: noun };
  return OBJECT_NOUNS.has(noun) && colour !== undefined ? { target: 'objects', ...ofColour } : null;
}

/** The words between a beginning and an end; null when the sentence has not both. */
function between(words: readonly string[], start: string, end = ''): string[] | null {
  const [first, last] = [start.split(' '), end === '' ? [] : end.split(' ')];
  if (words.length <= first.length + last.length) return null;
  if (!first.every((word, i) => words[i] === word)) return null;
  if (!last.every((word, i) => words[words.length - last.length + i] === word)) return null;
  return words.slice(first.length, words.length - last.length);
}

/** The selector between a beginning and an end. */
function named(words: readonly string[], start: string, end = ''): Selector | null {
  const name = between(words, start, end);
  return name === null ? null : readName(name);
}

function readOperation(words: readonly string[]): Operation | null {
  const rest = words[0] === 'then' || words[0] === 'now' ? words.slice(1) : words;
  const amount = numberOf(rest.at(-1));
  const verb = rest.slice(0, -1).join(' ');
  if (amount === null) return null;
  if (verb === 'add' || verb === 'plus') return { verb: 'add', amount };
  const subtracts = ['subtract', 'minus', 'remove', 'take away'].includes(verb);
  return subtracts ? { verb: 'subtract', amount } : null;
}

const ENDINGS = new Set(['how many', 'how many in all', 'what is the result', 'how many are left']);

/** Operations, and an ending that asks; null when a sentence is neither. */
function readOperations(rest: readonly string[][]): Operation[] | null {
  const last = rest.at(-1);
  const asked = last !== undefined && ENDINGS.has(last.join(' ')) ? rest.slice(0, -1) : rest;
  const operations = asked.map(readOperation);
  return operations.includes(null) ? null : (operations as Operation[]);
}

function readCount(words: readonly string[]): Selector | null {
  const are = words.indexOf('are');
  const predicate = words.length === 5 && are === 3 ? readName([words[4] ?? '', words[2] ?? '']) : null;
  return (
    named(words, 'count the') ??
    named(words, 'how many', 'are there') ??
    named(words, 'how many', 'do you see') ??
    named(words, 'what is the number of') ??
    (words[0] === 'how' ? predicate : null) ??
    named(words, 'how many')
  );
}

/** What a first sentence of kind `take` or `plus` says, and how many sentences it takes. */
interface Opening {
  readonly kind: 'take' | 'plus';
  readonly start: number;
  readonly selector: Selector;
  readonly length: number;
}

function opening(
  kind: Opening['kind'],
  start: number | null,
  selector: Selector | null,
  length: number,
): Opening | null {
  return start === null || selector === null ? null : { kind, start, selector, length };
}

function readOpening([first = [], second = []]: readonly string[][]): Opening | null {
  const started = numberOf(between(first, 'start with')?.join(' '));
  const taken = numberOf(between(first, 'take')?.join(' '));
  const [leading, trailing] = [numberOf(first[0]), numberOf(first.at(-1))];
  return (
    opening('take', started, named(second, 'subtract the'), 2) ??
    opening('plus', started, named(second, 'add the'), 2) ??
    opening('take', taken, named(second, 'remove the number of'), 2) ??
    opening('plus', taken, named(second, 'add the number of'), 2) ??
    opening('take', leading, named(first.slice(1), 'minus the'), 1) ??
    opening('plus', leading, named(first.slice(1), 'plus the'), 1) ??
    opening('take', trailing, named(first.slice(0, -1), 'subtract the', 'from'), 1) ??
    opening('plus', trailing, named(first.slice(0, -1), 'add the', 'to'), 1)
  );
}

function readAny(words: readonly string[]): Selector | null {
  return (
    named(words, 'are there any') ??
    named(words, 'do you see any') ??
    named(words, 'is there any') ??
    named(words, 'is there a') ??
    named(words, 'is there an')
  );
}

function readLine(axis: string | undefined, name: string | undefined): Line | null {
  if (axis !== 'row' && axis !== 'column') return null;
  const index = (axis === 'row' ? ROW_NAMES : COLUMN_NAMES).findIndex((known) => known === name);
  return index < 0 ? null : { axis, index };
}

/** Rows and columns of `compare`, by the places of their words in a sentence. */
function readCompare(words: readonly string[]): Pick<Question, 'selector' | 'lines'> | null {
  const [axis, n] = [words[1], words.length];
  const forms: [Selector | null, Line | null, Line | null][] = [
    [
      named(words.slice(0, n - 3), `which ${axis} has more`),
      readLine(axis, words[n - 3]),
      readLine(axis, words[n - 1]),
    ],
    [
      named(words.slice(0, n - 6), 'are there more'),
      readLine(words[n - 5], words[n - 4]),
      readLine(words[n - 2], words[n - 1]),
    ],
    [
      named(words.slice(6), 'have more'),
      words[0] === 'does' ? readLine(words[1], words[2]) : null,
      readLine(words[4], words[5]),
    ],
  ];
  for (const [selector, first, second] of forms) {
    if (selector === null || first === null || second === null) continue;
    if (first.axis === second.axis && first.index !== second.index)
      return { selector, lines: [first, second] };
  }
  return null;
}

/** `what is 7 plus 3 - 2` */
function readSum(words: readonly string[]): Question | null {
  const terms = between(words, 'what is');
  const start = numberOf(terms?.[0]);
  if (!terms || start === null || terms.length < 3 || terms.length % 2 === 0) return null;
  const operations: Operation[] = [];
  for (let i = 1; i < terms.length; i += 2) {
    const amount = numberOf(terms[i + 1]);
    const verb = { plus: 'add', '+': 'add', minus: 'subtract', '-': 'subtract' }[terms[i] as 'plus'];
    if (amount === null || verb === undefined) return null;
    operations.push({ verb: verb as Operation['verb'], amount });
  }
  return { kind: 'text', start, operations };
}

/** What a text asks; null for a text that is no question of the world. */
export function readQuestion(text: string): Question | null {
  if (text.length > LONGEST) return null;
  const read = sentences(text);
  const [first] = read;
  if (first === undefined) return null;
  const none: Operation[] = [];
  if (read.length === 1) {
    const lines = readCompare(first);
    if (lines !== null) return { kind: 'compare', start: 0, operations: none, ...lines };
    const selector = readAny(first);
    if (selector !== null) return { kind: 'any', selector, start: 0, operations: none };
    const sum = readSum(first);
    if (sum !== null) return sum;
  }
  const opened = readOpening(read);
  const rest = readOperations(read.slice(opened?.length ?? 1));
  if (rest === null) return null;
  if (opened !== null) {
    const { kind, start, selector } = opened;
    return { kind, start, selector, operations: rest };
  }
  const counted = readCount(first);
  if (counted !== null) return { kind: 'count', selector: counted, start: 0, operations: rest };
  const start = numberOf((between(first, 'start with') ?? between(first, 'take'))?.join(' '));
  return start === null || rest.length === 0 ? null : { kind: 'text', start, operations: rest };
}

/** The true answer of a question about a drawn sheet; null for texts that are no question about its objects. */
export function answerAbout(text: string, sheet: PictureFacts): string | null {
  const question = readQuestion(text);
  if (question === null || question.selector?.target === 'cells') return null;
  return answerOf(question, countsOf(sheet, question));
}
