// Writes questions in the words that people type: several wordings of each kind, with numbers as digits or words.
// question_reader.ts reads every one of them back.

import type { Prng } from '../../lib/prng';
import { lineName } from './grid';
import type { Operation, Question, QuestionKind, Selector } from './question';
import { NUMBER_WORDS } from './world_words';

/** Choices that one question keeps to. */
interface Style {
  readonly number: (value: number) => string;
  /** Plural and singular name of what is asked for. */
  readonly name: string;
  readonly single: string;
  /** `red`, `mostly brown`; empty where the selector has no colour. */
  readonly predicate: string;
  /** The name without its colour. */
  readonly noun: string;
  readonly add: string;
  readonly subtract: string;
}

function pick<T>(items: readonly T[], prng: Prng): T {
  return items[prng.nextInt(items.length)] as T;
}

const VERBS = [
  ['Add', 'Subtract'],
  ['Add', 'Subtract'],
  ['Add', 'Subtract'],
  ['Plus', 'Minus'],
  ['Then add', 'Then subtract'],
  ['Add', 'Take away'],
  ['Now add', 'Now remove'],
] as const;
const OBJECT_NOUNS = ['object', 'object', 'shape', 'thing'] as const;
const CELL_NOUNS = ['cell', 'cell', 'cell', 'tile'] as const;

/** Other names for `object` and `cell`; a shape has one name. */
function drawNoun(selector: Selector, prng: Prng): string {
  if (selector.target === 'cells') return pick(CELL_NOUNS, prng);
  return selector.shape ?? pick(OBJECT_NOUNS, prng);
}

function drawStyle(selector: Selector | undefined, prng: Prng): Style {
  const inWords = prng.nextFloat() < 0.2;
  const number = (value: number) => (inWords ? (NUMBER_WORDS[value] ?? `${value}`) : `${value}`);
  const [add, subtract] = pick(VERBS, prng);
  if (selector === undefined) return { number, add, subtract, name: '', single: '', predicate: '', noun: '' };
  const noun = drawNoun(selector, prng);
  const mostly = selector.target === 'cells' && prng.nextFloat() < 0.5 ? 'mostly ' : '';
  const spelled = selector.colour === 'grey' && prng.nextFloat() < 0.3 ? 'gray' : selector.colour;
  const predicate = spelled === undefined ? '' : `${mostly}${spelled}`;
  const before = predicate === '' ? '' : `${predicate} `;
  return {
    number,
    add,
    subtract,
    name: `${before}${noun}s`,
    single: `${before}${noun}`,
    predicate,
    noun: `${noun}s`,
  };
}

/** A way to put a kind of question. Writes the first sentence or sentences, without the operations. */
interface Wording {
  readonly name: string;
  readonly write: (style: Style, question: Question) => string;
  /** The first sentence asks by itself; the others need an ending that asks. */
  readonly asks?: boolean;
  /** It needs a colour to speak of. */
  readonly needsColour?: boolean;
}

function between({ lines }: Question): { axis: string; first: string; second: string } {
  const [first, second] = lines as NonNullable<Question['lines']>;
  return { axis: first.axis, first: lineName(first), second: lineName(second) };
}

/** `a red ring`, `an orange heart`. */
function withArticle(single: string): string {
  return `${/^[aeiou]/.test(single) ? 'an' : 'a'} ${single}`;
}

/** `7 plus 3 minus 2` */
function sumText(style: Style, { start, operations }: Question, plus: string, minus: string): string {
  const terms = operations.map(
    ({ verb, amount }) => `${verb === 'add' ? plus : minus} ${style.number(amount)}`,
  );
  return [style.number(start), ...terms].join(' ');
}

/** The wordings of each kind. */
export const WORDINGS: Readonly<Record<QuestionKind, readonly Wording[]>> = {
  count: [
    { name: 'count the', write: (s) => `Count the ${s.name}.` },
    { name: 'how many', asks: true, write: (s) => `How many ${s.name}?` },
    { name: 'how many are there', asks: true, write: (s) => `How many ${s.name} are there?` },
    { name: 'how many do you see', asks: true, write: (s) => `How many ${s.name} do you see?` },
    {
      name: 'how many are',
      asks: true,
      needsColour: true,
      write: (s) => `How many ${s.noun} are ${s.predicate}?`,
    },
    { name: 'what is the number', asks: true, write: (s) => `What is the number of ${s.name}?` },
  ],
  take: [
    { name: 'start with', write: (s, q) => `Start with ${s.number(q.start)}. Subtract the ${s.name}.` },
    { name: 'take', write: (s, q) => `Take ${s.number(q.start)}. Remove the number of ${s.name}.` },
    { name: 'minus', write: (s, q) => `${s.number(q.start)} minus the ${s.name}.` },
    { name: 'from', write: (s, q) => `Subtract the ${s.name} from ${s.number(q.start)}.` },
  ],
  plus: [
    { name: 'start with', write: (s, q) => `Start with ${s.number(q.start)}. Add the ${s.name}.` },
    { name: 'take', write: (s, q) => `Take ${s.number(q.start)}. Add the number of ${s.name}.` },
    { name: 'plus', write: (s, q) => `${s.number(q.start)} plus the ${s.name}.` },
    { name: 'to', write: (s, q) => `Add the ${s.name} to ${s.number(q.start)}.` },
  ],
  compare: [
    {
      name: 'which has more',
      asks: true,
      write: (s, q) => {
        const { axis, first, second } = between(q);
        return `Which ${axis} has more ${s.name}, ${first} or ${second}?`;
      },
    },
    {
      name: 'are there more',
      asks: true,
      write: (s, q) => {
        const { axis, first, second } = between(q);
        return `Are there more ${s.name} in ${axis} ${first} or ${axis} ${second}?`;
      },
    },
    {
      name: 'does have more',
      asks: true,
      write: (s, q) => {
        const { axis, first, second } = between(q);
        return `Does ${axis} ${first} or ${axis} ${second} have more ${s.name}?`;
      },
    },
  ],
  any: [
    { name: 'are there any', asks: true, write: (s) => `Are there any ${s.name}?` },
    { name: 'is there any', asks: true, write: (s) => `Is there any ${s.single}?` },
    { name: 'is there a', asks: true, write: (s) => `Is there ${withArticle(s.single)}?` },
    { name: 'do you see any', asks: true, write: (s) => `Do you see any ${s.name}?` },
  ],
  text: [
    { name: 'start with', write: (s, q) => `Start with ${s.number(q.start)}.` },
    { name: 'take', write: (s, q) => `Take ${s.number(q.start)}.` },
    { name: 'what is', asks: true, write: (s, q) => `What is ${sumText(s, q, 'plus', 'minus')}?` },
    { name: 'signs', asks: true, write: (s, q) => `What is ${sumText(s, q, '+', '-')}?` },
  ],
};

const ENDINGS = [
  'How many?',
  'How many?',
  'How many in all?',
  'What is the result?',
  'How many are left?',
] as const;

/** A question in words, and the name of the wording that was taken. */
export interface WordedQuestion {
  readonly text: string;
  readonly wording: string;
}

/** Puts a question into words; equal streams give equal words. */
export function wordQuestion(question: Question, prng: Prng): WordedQuestion {
  const style = drawStyle(question.selector, prng);
  const wordings = WORDINGS[question.kind].filter((w) => !w.needsColour || style.predicate !== '');
  const wording = pick(wordings, prng);
  const sentences = [wording.write(style, question)];
  const written = question.kind === 'text' && wording.asks;
  const write = ({ verb, amount }: Operation) => `${style[verb]} ${style.number(amount)}.`;
  if (!written) sentences.push(...question.operations.map(write));
  const ending = pick(ENDINGS, prng);
  const mayEnd = question.operations.length > 0 && !written && prng.nextFloat() < 0.3;
  if (!wording.asks || mayEnd) sentences.push(ending);
  return { text: sentences.join(' '), wording: `${question.kind}: ${wording.name}` };
}
