// Names the questions of the built-in world that evaluations and experiments ask: which split, from which seed, and whether
// all of them need the picture. Page, engine and command lines draw them here, so that a number names one question.

import { drawSample, type Split, type WorldSample } from './world_sample';

/** Questions of the built-in world. */
export interface SplitQuestions {
  readonly split: Split;
  readonly seed: number;
  /** Only questions that need the picture; else a fifth do not. */
  readonly visual: boolean;
}

/** Of questions that may ignore the picture, this share does. */
const TEXT_SHARE = 0.2;

/** The question with a number. Pure: any order, any subset, the same questions. */
export function splitSample({ split, seed, visual }: SplitQuestions, index: number): WorldSample {
  return drawSample({ split, seed, index, textShare: visual ? 0 : TEXT_SHARE });
}
