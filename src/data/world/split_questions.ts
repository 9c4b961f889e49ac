// Names the questions of the built-in world that evaluations, experiments and training ask: which split, from which seed,
// about which pictures. Page, engine and command lines draw them here, so that a number names one question.

import { QUESTION_KINDS, type QuestionKind } from './question';
import { drawSample, type Split, type WorldSample } from './world_sample';

/** Kinds of questions that are about the picture. */
export const PICTURE_KINDS: readonly QuestionKind[] = QUESTION_KINDS.filter((kind) => kind !== 'text');

/** Questions of the built-in world. */
export interface SplitQuestions {
  readonly split: Split;
  readonly seed: number;
  /** Only questions that need the picture; else a fifth do not. */
  readonly visual: boolean;
  /** Kinds of the questions about the picture, all equally likely; absent is the mixture of the split. */
  readonly kinds?: readonly QuestionKind[] | undefined;
}

/** Of questions that may ignore the picture, this share does. */
const TEXT_SHARE = 0.2;

/** The question with a number. Pure: any order, any subset, the same questions. */
export function splitSample({ split, seed, visual, kinds }: SplitQuestions, index: number): WorldSample {
  return drawSample({ split, seed, index, textShare: visual ? 0 : TEXT_SHARE, ...(kinds && { kinds }) });
}

/** Which pictures the questions of training are about; both is the mixture of the split. */
export type WorldPictures = 'both' | 'sheets' | 'photographs';

const PHOTOGRAPH_SHARES = { both: {}, sheets: { photographShare: 0 }, photographs: { photographShare: 1 } };

/** Which questions about the picture training asks: the mixture, or those alone that need two counts. */
export type WorldQuestions = 'all' | 'two_counts';

const KINDS: Readonly<Record<WorldQuestions, { readonly kinds?: readonly QuestionKind[] }>> = {
  all: {},
  two_counts: { kinds: ['compare'] },
};

/** Questions to train on, or of the split that training is validated on. */
export interface TrainingQuestions {
  readonly seed: number;
  /** Share of questions that the picture does not help with. */
  readonly textShare: number;
  /** Absent, as in plans of before there was a choice, is both. */
  readonly pictures?: WorldPictures | undefined;
  /** Absent is all. */
  readonly questions?: WorldQuestions | undefined;
}

/** The question with a number. Pure, as {@link splitSample}. */
export function trainingSample(
  { seed, textShare, pictures = 'both', questions = 'all' }: TrainingQuestions,
  index: number,
  split: 'train' | 'validation' = 'train',
): WorldSample {
  return drawSample({ split, seed, index, textShare, ...PHOTOGRAPH_SHARES[pictures], ...KINDS[questions] });
}
