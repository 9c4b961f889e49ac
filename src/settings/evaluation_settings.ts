// Declares every setting of an evaluation once, for the command line that runs it and for the documentation.

import { GENERATION_SETTINGS } from './generation_settings';
import { choice, type Nested, whole } from './setting';

/** Every setting of an evaluation; answers are greedy, so that those of sampling are not among them. */
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

/** The settings of an evaluation. */
export type EvaluationSettings = Nested<typeof EVALUATION_SETTINGS>;
