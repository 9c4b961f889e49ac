// Cold-start examples: the settings' shares, the base's own words kept, full rewards, and pocket's token spacing.

import { readFileSync } from 'node:fs';
import { PreTrainedTokenizer } from '@huggingface/transformers';
import { describe, expect, it } from 'vitest';
import { readForm } from '../../../src/answer/answer_form';
import { readAnswer } from '../../../src/answer/answer_reading';
import { NO_ATTENTION } from '../../../src/answer/attention_phases';
import { LOOK_TAGS, type LookTags } from '../../../src/answer/look_tags';
import { lineName } from '../../../src/data/world/grid';
import { chainOfThought } from '../../../src/data/world/oracle';
import type { QuestionKind } from '../../../src/data/world/question';
import { drawSample, type WorldSample } from '../../../src/data/world/world_sample';
import { createPrng } from '../../../src/lib/prng';
import { coldStartText } from '../../../src/lookback/cold_start/world_example';
import { holdGenuineScan, isGenuineScan } from '../../../src/lookback/genuine_scan';
import { REWARDS } from '../../../src/lookback/rewards';
import type { RewardSample } from '../../../src/train/rewards';
import { ASKED } from '../../train/scripted_group';

const SETTINGS = { position: 'solution', reflectionRate: 0.5, wrongFirstShare: 0.5 } as const;

const sampleAt = (index: number, textShare = 0, kinds?: readonly QuestionKind[]): WorldSample =>
  drawSample({ split: 'train', seed: 11, index, textShare, photographShare: 0.1, ...(kinds && { kinds }) });

/** Right, wrong by one, and the right one again. */
function rolloutsOf({ question, counts }: WorldSample): string[] {
  // `any` and `compare` are answered wrongly only by counts that turn them round.
  const wrong = question.kind === 'any' ? counts.map((count) => Number(count === 0)) : turned(counts);
  return [counts, wrong, counts].map((seen) => chainOfThought(question, seen));
}

function turned(counts: readonly number[]): number[] {
  const [first = 0, second] = counts;
  if (second === undefined) return [first + 1];
  return first > second ? [second, first] : [second + 1, first];
}

function rewardSample(text: string, expected: string): RewardSample {
  const countTokens = (start: number, end: number): number => text.slice(start, end).trim().split(' ').length;
  const whole = { finished: true, length: 1, maxLength: 100, attention: NO_ATTENTION, visualGain: null };
  return { ...ASKED, text, expected, countTokens, ...whole };
}

/** Chance of fewer or more than `hits` of `count` at rate `p` is below 1e-4 inside this band (normal, 4 sigma). */
function expectShare(hits: number, count: number, p: number): void {
  expect(Math.abs(hits / count - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / count));
}

describe('coldStartText', () => {
  it('keeps the shares, the form and the truth over 500 samples', () => {
    const prng = createPrng(5);
    let reflecting = 0;
    let wrongFirst = 0;
    for (let index = 0; index < 500; index++) {
      const sample = sampleAt(index);
      const example = coldStartText(sample, rolloutsOf(sample), prng, SETTINGS);
      if (example === null) throw new Error('a right rollout always serves');
      reflecting += Number(example.reflects);
      wrongFirst += Number(example.wrongFirst);
      const scored = rewardSample(example.text, sample.answer);
      expect(REWARDS.format(scored).score).toBe(example.reflects ? 1 : 0.667);
      expect(REWARDS.accuracy(scored).score).toBe(1);
      if (!example.reflects) {
        expect(example.text).toBe(sample.oracle.cot);
        continue;
      }
      expect(readAnswer(example.text).backs.every(({ text }) => isGenuineScan(text))).toBe(true);
      if (!example.wrongFirst) expect(example.text).toBe(sample.oracle.lookBack.solution);
      expect(example.text.startsWith(sample.oracle.cot.replace(/ \\boxed.*/, ''))).toBe(!example.wrongFirst);
    }
    expectShare(reflecting, 500, 0.5);
    // One of three rollouts is wrong: half of the reflecting start from it on purpose, a third of the rest by chance.
    expectShare(wrongFirst, reflecting, 0.5 + 0.5 / 3);
  });

  it('depends on the stream alone', () => {
    const run = (): unknown[] => {
      const prng = createPrng(9, 1);
      return Array.from({ length: 40 }, (_, index) => {
        const sample = sampleAt(index, 0.3);
        return coldStartText(sample, rolloutsOf(sample), prng, SETTINGS);
      });
    };
    expect(run()).toEqual(run());
  });

  it('never looks back from a question without a picture', () => {
    for (let index = 0; index < 30; index++) {
      const sample = sampleAt(index, 1);
      const text = sample.oracle.cot;
      const example = coldStartText(sample, [text], createPrng(index), { ...SETTINGS, reflectionRate: 1 });
      expect(example).toEqual({ text, reflects: false, wrongFirst: false });
    }
  });

  it('keeps the base’s thought as it wrote it', () => {
    const sample = sampleAt(0);
    const thought = '<think> i see ok ok . 3 + = 4 </think>';
    const settings = { ...SETTINGS, reflectionRate: 1, wrongFirstShare: 1 };
    const example = coldStartText(sample, [` ${thought} \\boxed{ 99 }`], createPrng(1), settings);
    expect(example?.wrongFirst).toBe(true);
    expect(example?.text.startsWith(`${thought} <back> check the `)).toBe(true);
  });

  it('takes no wrong thought when told so, and any other when there is no wrong one', () => {
    for (let index = 0; index < 20; index++) {
      const sample = sampleAt(index);
      const right = [sample.oracle.cot];
      const settings = { ...SETTINGS, reflectionRate: 1, wrongFirstShare: 1 };
      expect(coldStartText(sample, right, createPrng(index), settings)?.wrongFirst).toBe(false);
      expect(coldStartText(sample, rolloutsOf(sample), createPrng(index), settings)?.wrongFirst).toBe(true);
    }
  });

  it('looks before the arithmetic in the semantic position', () => {
    const settings = { ...SETTINGS, position: 'semantic', reflectionRate: 1, wrongFirstShare: 0 } as const;
    for (let index = 0; index < 20; index++) {
      const sample = sampleAt(index);
      const example = coldStartText(sample, [sample.oracle.cot], createPrng(index), settings);
      expect(example?.text).toBe(sample.oracle.lookBack.semantic);
    }
  });

  it('looks once for each count where that is wanted, right before it is used', () => {
    const settings = { ...SETTINGS, reflectionRate: 1, wrongFirstShare: 1 };
    for (const position of ['solution', 'semantic'] as const) {
      for (let index = 0; index < 20; index++) {
        const sample = sampleAt(index, 0, index % 2 === 0 ? ['compare'] : undefined);
        const of = (looks: 'one' | 'each') =>
          coldStartText(sample, rolloutsOf(sample), createPrng(index), { ...settings, position, looks })
            ?.text ?? '';
        const { form, blocks } = readForm(of('each'));
        expect(form).toBe('back');
        expect(REWARDS.format(rewardSample(of('each'), sample.answer)).score).toBe(1);
        expect(REWARDS.accuracy(rewardSample(of('each'), sample.answer)).score).toBe(1);
        const { lines } = sample.question;
        if (lines === undefined) {
          expect(of('each')).toBe(of('one'));
          continue;
        }
        const parts = blocks.map(({ start, end }) => of('each').slice(start, end).trim());
        expect(parts).toHaveLength(5);
        for (const [i, line] of lines.entries()) {
          const title = `${line.axis} ${lineName(line)}`;
          expect(parts[1 + 2 * i]).toContain(` so ${title} ${sample.counts[i]}`);
          expect(parts[2 + 2 * i]).toContain(`${title} ${sample.counts[i]}`);
        }
        expect(holdGenuineScan([parts[1] ?? '', parts[3] ?? ''])).toBe(true);
        // The first thought and the last are those of an answer with one look.
        const one = readForm(of('one')).blocks.map(({ start, end }) => of('one').slice(start, end).trim());
        expect([parts[0], parts[4]]).toEqual([one[0], one[2]]);
      }
    }
  });

  it('writes looks in the tags that are wanted, and nothing else otherwise', () => {
    const { open, close } = LOOK_TAGS.words_check;
    for (let index = 0; index < 40; index++) {
      const sample = sampleAt(index, 0.2);
      const of = (tags: LookTags) =>
        coldStartText(sample, rolloutsOf(sample), createPrng(index), { ...SETTINGS, tags })?.text ?? '';
      const own = of(LOOK_TAGS.back);
      expect(of(LOOK_TAGS.words_check)).toBe(own.replace('<back>', open).replace('</back>', close));
    }
  });

  it('words the thoughts of the same examples otherwise, and nothing else of them', () => {
    const looks = (text: string) => readAnswer(text).backs.map((look) => look.text);
    const thoughts = (text: string) =>
      readAnswer(text)
        .segments.filter(({ kind }) => kind === 'think')
        .map((thought) => thought.text);
    let [wrongFirst, foreignWrong] = [0, 0];
    for (let index = 0; index < 200; index++) {
      const sample = sampleAt(index, 0.2);
      const of = (chains: 'own' | 'reworded' | 'foreign') =>
        coldStartText(sample, rolloutsOf(sample), createPrng(index), { ...SETTINGS, chains });
      const [own, reworded, foreign] = [of('own'), of('reworded'), of('foreign')];
      if (!own || !reworded || !foreign) throw new Error('a right rollout always serves');
      // The wrong rollouts lead to a wrong answer by their counts, which the other words keep where the world has numbers
      // for what follows.
      const kept = own.wrongFirst && !rolloutsOf(sample)[1]?.includes('= -');
      expect(reworded.wrongFirst).toBe(kept);
      wrongFirst += Number(own.wrongFirst);
      foreignWrong += Number(foreign.wrongFirst);
      for (const { text, reflects } of [reworded, foreign]) {
        expect(reflects).toBe(own.reflects);
        expect(looks(text)).toEqual(looks(own.text));
        expect(text.slice(text.indexOf('\\boxed'))).toBe(own.text.slice(own.text.indexOf('\\boxed')));
        expect(REWARDS.format(rewardSample(text, sample.answer)).score).toBe(reflects ? 1 : 0.667);
        const known = new Set(thoughts(own.text));
        expect(thoughts(text).filter((thought) => known.has(thought))).toEqual([]);
        expect(thoughts(text)).toHaveLength(thoughts(own.text).length);
      }
    }
    expect(wrongFirst).toBeGreaterThan(0);
    expect(foreignWrong).toBe(0);
  });

  it('puts true counts for those that foreign words cannot say', () => {
    const sample = sampleAt(0);
    const thought = '<think> i see ok ok . 3 + = 4 </think>';
    const settings = { ...SETTINGS, reflectionRate: 1, wrongFirstShare: 1, chains: 'reworded' } as const;
    const written = coldStartText(sample, [`${thought} \\boxed{ 99 }`], createPrng(1), settings);
    const same = coldStartText(sample, [sample.oracle.cot], createPrng(1), settings);
    expect(written).toEqual(same);
    expect(written?.wrongFirst).toBe(false);
  });

  it('gives nothing where no rollout serves', () => {
    const sample = sampleAt(3);
    const [, wrong = ''] = rolloutsOf(sample);
    const plain = { ...SETTINGS, reflectionRate: 0 };
    const always = { ...SETTINGS, reflectionRate: 1 };
    const malformed = [
      '',
      'ok',
      sample.oracle.lookBack.solution,
      '<think> a </think>',
      `${sample.oracle.cot} ok`,
    ];
    expect(coldStartText(sample, [wrong], createPrng(1), plain)).toBeNull();
    for (const settings of [plain, always]) {
      expect(coldStartText(sample, malformed, createPrng(1), settings)).toBeNull();
      expect(coldStartText(sample, [], createPrng(1), settings)).toBeNull();
    }
  });

  it('is spaced as pocket writes', () => {
    const read = (file: string) => JSON.parse(readFileSync(`public/models/pocket/${file}`, 'utf8'));
    const tokenizer = new PreTrainedTokenizer(read('tokenizer.json'), read('tokenizer_config.json'));
    const unknown = tokenizer.encode('xylophone', { add_special_tokens: false })[0] as number;
    const prng = createPrng(2);
    for (let index = 0; index < 120; index++) {
      const sample = sampleAt(index, 0.2);
      const chains = (['own', 'reworded', 'foreign'] as const)[index % 3];
      const settings = { ...SETTINGS, chains, looks: index % 2 === 0 ? 'one' : 'each' } as const;
      const text = coldStartText(sample, rolloutsOf(sample), prng, settings)?.text ?? '';
      const ids = tokenizer.encode(text, { add_special_tokens: false });
      expect(ids).not.toContain(unknown);
      expect(tokenizer.decode(ids)).toBe(text);
    }
  });
});
