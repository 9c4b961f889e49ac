// Makes completions to compare rewards on: the world's own answers and collected pairs of answers, mutated by seed into
// what models and cheats write (nested and missing tags, boxes within boxes, look-alikes, units, huge strings), each
// with what our rewards and graders say of it. Case i of a seed is always the same.

import { gradeAnswer, graderFor } from '../src/answer/answer_grading';
import { BOX_OPENING, TAGS } from '../src/answer/answer_grammar';
import { readAnswer } from '../src/answer/answer_reading';
import { NO_ATTENTION } from '../src/answer/attention_phases';
import { TokenSpanMap } from '../src/answer/token_spans';
import { drawSample } from '../src/data/world/world_sample';
import { createPrng, type Prng } from '../src/lib/prng';
import { REWARDS, rewardsOf } from '../src/lookback/rewards';
import { type RewardSample, scoreRewards } from '../src/train/rewards';
import { NEAR_TAGS, NUMBERS, PIECES, UNITS, WHOLES } from './reward_pieces';

/** An answer and what was expected, whether equal or not. */
export type AnswerPair = readonly [answer: string, expected: string];

/** One completion with our results; one JSON line of the comparison. */
export interface RewardCase {
  readonly index: number;
  readonly text: string;
  readonly expected: string;
  readonly finished: boolean;
  /** Characters (code points) of each token in order. */
  readonly tokenLengths: readonly number[];
  readonly maxLength: number;
  readonly weights: Readonly<Record<string, number>>;
  readonly results: {
    readonly rewards: Readonly<Record<string, number>>;
    readonly total: number;
    /** Rewards that the weights ask for, sorted. */
    readonly weighted: readonly string[];
    readonly answer: string | null;
    readonly grader: string;
    readonly strict: boolean;
    readonly method: boolean;
  };
}

const { think, back } = TAGS;
const ALL_TAGS = [think.open, think.close, back.open, back.close];
/** Draws from one case's own stream. */
class CaseMaker {
  readonly #prng: Prng;
  readonly #pairs: readonly AnswerPair[];
  readonly #index: number;
  readonly #seed: number;

  constructor(seed: number, index: number, pairs: readonly AnswerPair[]) {
    [this.#seed, this.#index, this.#pairs] = [seed, index, pairs];
    this.#prng = createPrng(0x7e57, seed, index);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#prng.nextInt(items.length)] as T;
  }

  #chance(share: number): boolean {
    return this.#prng.nextFloat() < share;
  }

  #cut(text: string): [string, string] {
    const at = this.#prng.nextInt(text.length + 1);
    return [text.slice(0, at), text.slice(at)];
  }

  /** An answer of random parts. */
  #composed(): string {
    const number = `${this.#chance(0.2) ? this.#pick(['$', '€', '-', '~', 'US$']) : ''}${this.#pick(NUMBERS)}${this.#pick(UNITS)}`;
    const made = this.#chance(0.5) ? number : this.#pick(WHOLES);
    const wrapped = this.#pick([
      made,
      made,
      made,
      `$${made}$`,
      `**${made}**`,
      `\\text{${made}}`,
      `(${made})`,
      `x = ${made}`,
      `{${made}, ${this.#pick(NUMBERS)}}`,
    ]);
    return this.#chance(0.15) ? this.#edited(wrapped) : wrapped;
  }

  /** One to three characters changed. */
  #edited(text: string): string {
    let edited = text;
    for (let i = this.#prng.nextInt(3); i >= 0; i--) {
      const [before, after] = this.#cut(edited);
      edited = `${before}${this.#chance(0.6) ? this.#pick(PIECES) : ''}${after.slice(this.#prng.nextInt(3))}`;
    }
    return edited;
  }

  #pair(): AnswerPair {
    if (this.#chance(0.3)) return this.#pick(this.#pairs);
    const answer = this.#composed();
    const expected = this.#chance(0.5) ? this.#edited(answer) : this.#composed();
    return this.#chance(0.1) ? [this.#huge(), expected] : [answer, expected];
  }

  /** A completion as the world's oracle writes it, or a plain one around a pair of answers. */
  #base(): { text: string; expected: string } {
    const sample = drawSample({ split: 'train', seed: this.#seed, index: this.#index, textShare: 0.2 });
    const { cot, lookBack } = sample.oracle;
    const text = this.#pick([cot, lookBack.solution, lookBack.semantic]);
    if (this.#chance(0.4)) return { text, expected: sample.answer };
    const [answer, expected] = this.#pair();
    const at = text.lastIndexOf(BOX_OPENING);
    return { text: `${text.slice(0, at)}${BOX_OPENING}${answer}}`, expected };
  }

  /** A long run of something that slow readers are slow on; now and then a very long one. */
  #huge(): string {
    const unit = this.#pick([
      '<',
      '{',
      '}',
      BOX_OPENING,
      'a',
      'ab',
      ' ',
      '<back>',
      '<think>x</think>',
      '\\',
      '1',
      '(',
      ',',
      '<  ',
      '$',
      '😀',
    ]);
    const length = this.#chance(0.01) ? 200_000 : 1 + this.#prng.nextInt(1200);
    return unit.repeat(Math.ceil(length / unit.length));
  }

  #mutated(text: string): string {
    const [before, after] = this.#cut(text);
    const looks = /<back>([^<]*)<\/back>/.exec(text);
    const thought = /<think>([^<]*)<\/think>/.exec(text)?.[1] ?? '';
    const replaceLook = (content: string): string =>
      looks === null ? text : text.replace(looks[0], () => `${back.open}${content}${back.close}`);
    const mutations: readonly (() => string)[] = [
      () => `${before}${this.#pick(ALL_TAGS)}${after}`,
      () => `${before}${this.#pick(NEAR_TAGS)}${after}`,
      () => `${before}${this.#pick(PIECES)}${after}`,
      () => text.replace(this.#pick(ALL_TAGS), ''),
      () => text.replace(this.#pick(ALL_TAGS), () => this.#pick([...ALL_TAGS, ...NEAR_TAGS])),
      () => before,
      () => `${text}${this.#pick(PIECES)}`,
      () => `${text}${this.#pick(['.', '$', '\\]', '**', ' 。', '$$**.', '......', ' so yes'])}`,
      () =>
        replaceLook(
          this.#pick(['', ' ', '\u2003', '...', 'ok', thought, thought.toUpperCase(), thought.slice(3)]),
        ),
      () =>
        text.replace(back.close, () =>
          `${back.close} ${think.open} once more ${think.close} ${back.open} i look again at all of it ${back.close}`.repeat(
            this.#prng.nextInt(6) || 1,
          ),
        ),
      () =>
        text
          .replaceAll('>', this.#pick(['> ', '>\n', '>\u2028']))
          .replaceAll('<', this.#pick([' <', '\n\n<', '<'])),
      () => text.replaceAll(' ', this.#pick(['', '\n', '\u00a0', '  '])),
      () =>
        text.replace(
          BOX_OPENING,
          () => `${BOX_OPENING}${this.#pick([BOX_OPENING, '{', '\\text{', '', '}'])}`,
        ),
      () => `${text} ${BOX_OPENING}${this.#pick(['', ' ', '7}', '{7}}', '\\boxed{7}}', '\\{7\\}}'])}`,
      () => `${before}${this.#huge()}${after}`,
      () => this.#edited(text),
    ];
    return this.#pick(mutations)();
  }

  /** Lengths of the tokens, in code points, that wrote a text: mostly short ones. */
  #tokenLengths(text: string): number[] {
    const lengths: number[] = [];
    const most = this.#pick([2, 6, 12]);
    let left = [...text].length;
    while (left > 0) {
      const next = Math.min(left, this.#chance(0.05) ? 0 : 1 + this.#prng.nextInt(most));
      lengths.push(next);
      left -= next;
    }
    return lengths;
  }

  /** Several right answers of which one is given, or a text that is nearly such a list. */
  #several(one: string): string {
    const others = [...this.#pick([['7'], ['no idea', '3/4'], ['é "x"', '(B)', '12 cm']])];
    others.splice(this.#prng.nextInt(others.length + 1), 0, one);
    const list = JSON.stringify(others, null, this.#pick([0, 1]));
    const near = [
      ` ${list}\n`,
      `${list} `,
      `\u00a0${list}`,
      `${list},`,
      list.slice(0, -1),
      `[1,${list.slice(1)}`,
    ];
    return this.#chance(0.3) ? this.#pick(near) : list;
  }

  make(): RewardCase {
    const base = this.#base();
    let { text } = base;
    for (let count = this.#pick([0, 1, 1, 2, 4]); count > 0; count--) text = this.#mutated(text);
    const one = this.#chance(0.03) ? this.#pick(['', ' ', this.#huge(), '\ufeff']) : base.expected;
    const expected = this.#chance(0.2) ? this.#several(one) : one;
    const tokenLengths = this.#tokenLengths(text);
    const maxLength = Math.max(1, Math.round(tokenLengths.length * this.#prng.uniform(0.8, 2)));
    const weights = this.#pick([
      { accuracy: 1, format: 0.1 },
      { accuracy: 1, format_paper: 0.1, length: 0.3 },
      { accuracy: 0.9, format: 1, format_paper: 0, length: 0.7 },
    ]);
    const given = {
      index: this.#index,
      text,
      expected,
      finished: this.#chance(0.85),
      tokenLengths,
      maxLength,
      weights,
    };
    return { ...given, results: resultsOf(given) };
  }
}

/** The text cut into its tokens. */
function pieces(text: string, lengths: readonly number[]): string[] {
  const points = [...text];
  let at = 0;
  return lengths.map((length) => {
    at += length;
    return points.slice(at - length, at).join('');
  });
}

function resultsOf(given: Omit<RewardCase, 'results'>): RewardCase['results'] {
  const { text, expected, finished, tokenLengths, maxLength, weights } = given;
  const spans = new TokenSpanMap();
  for (const piece of pieces(text, tokenLengths)) spans.push(piece);
  const sample: RewardSample = {
    ...{ question: '', kind: 'row', pictures: 1, columns: {} },
    ...{ text, expected, finished, length: tokenLengths.length, maxLength },
    countTokens: (start, end) => {
      const { tokenStart, tokenEnd } = spans.rangeOf(start, end);
      return tokenEnd - tokenStart;
    },
    attention: NO_ATTENTION,
    visualGain: null,
  };
  const { rewards, total } = scoreRewards(sample, rewardsOf(weights));
  const { answer } = readAnswer(text);
  return {
    // What the model did is nothing that a text has, and the Python file has no reward of it.
    rewards: Object.fromEntries(
      Object.entries(REWARDS)
        .filter(([name]) => !name.startsWith('visual_'))
        .map(([name, of]) => [name, of(sample).score]),
    ),
    total,
    weighted: Object.keys(rewards).sort(),
    answer,
    grader: graderFor(expected),
    strict: gradeAnswer(answer, expected, 'strict').equal,
    method: gradeAnswer(answer, expected, 'method').equal,
  };
}

/** Case `index` of a seed. @param pairs answers with what was expected, mixed in among composed ones */
export function rewardCase(seed: number, index: number, pairs: readonly AnswerPair[]): RewardCase {
  return new CaseMaker(seed, index, pairs).make();
}
