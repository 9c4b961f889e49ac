// Declares every setting of an evaluation once: for the command line, for the page, and for the documentation.

import { createPrng } from '../lib/prng';
import { GENERATION_SETTINGS } from './generation_settings';
import { choice, type Nested, number, whole } from './setting';

/** Every setting of an evaluation; answers are greedy unless a temperature is given. */
export const EVALUATION_SETTINGS = {
  mode: GENERATION_SETTINGS.mode,
  count: whole(
    1000,
    { min: 1, max: 1_000_000 },
    { group: 'evaluation', label: 'Questions', help: 'Of a dataset all of them, unless a number is given.' },
  ),
  seed: whole(
    999,
    { min: 0, max: 0xffffffff },
    { group: 'evaluation', label: 'Seed of the split', help: 'Training draws its questions with others.' },
  ),
  batch: whole(
    64,
    { min: 1, max: 4096 },
    { group: 'evaluation', label: 'Questions at once', help: 'More take more memory.' },
  ),
  maxNewTokens: GENERATION_SETTINGS.maxNewTokens,
  temperature: number(
    0,
    { min: 0, max: 2 },
    {
      group: 'evaluation',
      label: 'Temperature',
      help: '0 always takes the likeliest token (greedy); 1 samples as training does.',
    },
  ),
  samplingSeed: whole(
    0,
    { min: 0, max: 0xffffffff },
    {
      group: 'evaluation',
      label: 'Seed of sampling',
      help: 'With the number of the question it decides the answer, whatever else is asked.',
      when: (of) => of('temperature') !== 0,
    },
  ),
  look: choice(
    'own',
    {
      own: 'The model’s own',
      neutral: 'Neutral text of as many tokens as its own',
      blank_picture: 'Its own, written before a blank picture',
      picture_again: 'The picture’s tokens once more, and no words',
      picture_then_look: 'The picture’s tokens once more, then its own',
    },
    {
      group: 'evaluation',
      label: 'Looks back',
      help: 'What stands in every look of an answer: the model goes on behind it. Of greedy answers alone.',
      docs: 'Only looks in the tags `<back>` are replaced. `neutral` repeats one word, `ok`; a look that is never closed stays. `blank_picture` has the model write the look with a picture of one colour in the place of the real one, which is there again behind it.',
      when: (of) => of('temperature') === 0,
    },
  ),
  grader: choice(
    'auto',
    {
      auto: 'By the expected answer',
      strict: 'Strict: units must agree',
      method: 'The method’s own: units of bare numbers do not count',
    },
    { group: 'evaluation', label: 'Grader', help: 'What counts as right.' },
  ),
} as const;

const { seed, maxNewTokens, temperature, samplingSeed, grader } = EVALUATION_SETTINGS;

/** The settings of the page, which sets the mode of each side apart, asks fewer questions and can be paused between waves. */
export const EVALUATION_PAGE_SETTINGS = {
  questions: choice(
    'sheets',
    {
      sheets: 'Sheets of shapes',
      photographs: 'Photographs',
      mixed: 'Sheets, a fifth of the questions without the picture',
      heldout: 'Sheets, pairs of colour and shape that training never asks for',
    },
    { group: 'evaluation', source: 'shapes_world', label: 'Questions of the world' },
  ),
  count: {
    ...EVALUATION_SETTINGS.count,
    default: 100,
    max: 5000,
    help: 'Of a dataset at most as many as it has rows.',
  },
  seed,
  batch: {
    ...EVALUATION_SETTINGS.batch,
    default: 16,
    help: 'What a pause or a closed page loses at most. More take more memory.',
  },
  maxNewTokens,
  temperature,
  samplingSeed,
  grader,
} as const;

/** Name of a setting of the page. */
export type EvaluationSettingId = keyof typeof EVALUATION_PAGE_SETTINGS;
/** The settings of the page. */
export type EvaluationPageSettings = Nested<typeof EVALUATION_PAGE_SETTINGS>;

/** The settings of an evaluation. */
export type EvaluationSettings = Nested<typeof EVALUATION_SETTINGS>;

/** Whether looks can be replaced so in answers at a temperature: other looks than the model's own take greedy answers. */
export function lookPossible(look: EvaluationSettings['look'], temperature: number): boolean {
  return look === EVALUATION_SETTINGS.look.default || temperature === 0;
}

/** Keeps an evaluation's seeds apart from other streams. */
const SAMPLING = 0xe7a1;

/** The seed with which a question is sampled: it does not depend on what else is asked, or in which wave. */
export function questionSeed(samplingSeed: number, index: number): number {
  return createPrng(SAMPLING, samplingSeed, index).nextU32();
}
