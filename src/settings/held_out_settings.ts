// Declares the settings of the evaluations that a training run makes on examples that it is not trained on. Names are
// transformers' where it has the setting.

import { choice, type Nested, type ReadSetting, type SettingWords, whole } from './setting';
import type { SettingGroup } from './setting_groups';

const MILLION = 1_000_000;

type Words = SettingWords<SettingGroup>;
const positive = (value: unknown): boolean => typeof value === 'number' && value > 0;
const evaluates = (of: ReadSetting): boolean => positive(of('evalSteps'));
/** Whether a plan evaluates on anything. */
export const evaluatesHeldOut = (of: ReadSetting): boolean => evaluates(of) && positive(of('evalSize'));
const evaluation = (words: Omit<Words, 'group'>): Words => ({ group: 'evaluation', ...words });

/** The settings by their paths, in the order of the form. */
export const HELD_OUT_SETTINGS = {
  evalSteps: whole(
    0,
    { min: 0, max: MILLION },
    evaluation({ label: 'Steps between evaluations', help: '0 never evaluates, and nothing is held out.' }),
  ),
  evalSize: {
    ...whole(
      0,
      { min: 0, max: MILLION },
      evaluation({
        label: 'Held-out examples',
        help: 'Never trained on. Below 1 a share of the set, as 0.1 for a tenth.',
        docs: 'Which ones is decided by the seed. GRPO on the built-in world draws questions of its validation split, as many as a whole number says.',
        when: evaluates,
      }),
    ),
    share: true,
  },
  evalSamples: whole(
    0,
    { min: 0, max: MILLION },
    evaluation({
      method: 'sft',
      label: 'Answered at an evaluation',
      help: 'Held-out questions that are answered greedily, for accuracy, looks back and length; the loss is over all held-out examples.',
      docs: 'GRPO answers all that are held out.',
      when: evaluatesHeldOut,
    }),
  ),
  evalBatchSize: whole(
    16,
    { min: 1, max: 4096 },
    evaluation({
      label: 'Examples at once',
      help: 'More take more memory.',
      when: evaluatesHeldOut,
    }),
  ),
  metricForBestModel: choice(
    'loss',
    { loss: 'Loss of the written answers', accuracy: 'Accuracy of the answers' },
    evaluation({
      method: 'sft',
      label: 'Best by',
      help: 'The checkpoint of the best evaluation is kept beside the last, and an adapter can be saved from either.',
      docs: 'Of GRPO, and where no held-out example has a written answer, by accuracy. Of equal ones, the earlier is the best.',
      when: (of) => evaluatesHeldOut(of) && positive(of('evalSamples')),
    }),
  ),
  earlyStoppingPatience: whole(
    0,
    { min: 0, max: MILLION },
    evaluation({
      label: 'Evaluations without a better one',
      help: 'After so many in a row the run ends early; 0 never ends it.',
      when: evaluatesHeldOut,
    }),
  ),
} as const;

/** What says which evaluation is the best. */
export type BestMetric = HeldOutPlan['metricForBestModel'];

/** When and on how much a run is evaluated. */
export type HeldOutPlan = Nested<typeof HELD_OUT_SETTINGS>;
