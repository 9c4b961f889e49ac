// Declares every setting of building a cold-start set once, for the page that builds one and for the command line.

import { GENERATION_SETTINGS } from './generation_settings';
import { choice, type Nested, number, optionalWhole, whole } from './setting';
import { TRAIN_SETTINGS } from './train_settings';

const MILLION = 1_000_000;

/** Whether a model writes looks where this is who does: the one that answered, with an adapter or without, or another. */
export function modelWrites(insert: unknown): boolean {
  return insert === 'self' || insert === 'adapter' || insert === 'model';
}

/** Every setting, in the order of the stages. `source` says of some that only the built-in world reads them. */
export const COLD_START_SETTINGS = {
  pictures: { ...TRAIN_SETTINGS['source.pictures'], group: 'problems' },
  textShare: number(
    0.2,
    { min: 0, max: 1 },
    {
      group: 'problems',
      source: 'shapes_world',
      label: 'Share without the picture',
      help: 'Questions that the picture does not help with: their examples never look back.',
    },
  ),
  count: whole(
    200,
    { min: 1, max: MILLION },
    { group: 'problems', label: 'Questions', help: 'Of a dataset at most as many as it has rows.' },
  ),
  seed: whole(
    0,
    { min: 0, max: 0xffffffff },
    { group: 'problems', label: 'Seed', help: 'Of questions, sampling and choices.' },
  ),
  rollouts: whole(
    12,
    { min: 1, max: 128 },
    { group: 'rollouts', label: 'Answers per question', help: 'The paper takes 12.' },
  ),
  temperature: number(
    1,
    { min: 0, max: 2 },
    { group: 'rollouts', label: 'Temperature', help: 'Of sampling.' },
  ),
  maxNewTokens: { ...GENERATION_SETTINGS.maxNewTokens, group: 'rollouts' },
  batch: whole(
    8,
    { min: 1, max: 4096 },
    {
      group: 'rollouts',
      label: 'Questions at once',
      help: 'What a pause or a closed page loses at most. More take more memory.',
    },
  ),
  looks: optionalWhole(
    { min: 0, max: MILLION },
    {
      group: 'selection',
      label: 'Questions that get a look back',
      help: 'At most; left empty, all that serve.',
    },
  ),
  hardShare: number(
    0.2,
    { min: 0, max: 1 },
    {
      group: 'selection',
      label: 'Share of hard questions',
      help: 'Of those: rarely solved, each from a wrong thought.',
    },
  ),
  wrongFirstShare: number(
    0.5,
    { min: 0, max: 1 },
    {
      group: 'selection',
      label: 'Chance of a wrong thought first',
      help: 'For the others, where the model had one.',
    },
  ),
  position: choice(
    'solution',
    { solution: 'After the whole thought (Solution-back)', semantic: 'Inside the thought (Semantic-back)' },
    { group: 'insertion', label: 'Where the look stands' },
  ),
  insert: choice(
    'oracle',
    {
      oracle: 'The built-in world, which knows its pictures',
      self: 'The model itself, from an open <back>',
      adapter: 'The model with an adapter, from an open <back>',
      model: 'Another model, from an open <back>',
      file: 'A file that is written elsewhere',
      hand: 'You, one by one',
    },
    { group: 'insertion', label: 'Who writes the looks' },
  ),
  tries: whole(
    4,
    { min: 1, max: 128 },
    {
      group: 'insertion',
      label: 'Tries of the model',
      help: 'For each look; the first that passes the filter is taken.',
      when: (of) => modelWrites(of('insert')),
    },
  ),
  reflectionRate: number(
    0.4,
    { min: 0, max: 1 },
    {
      group: 'mix',
      label: 'Share that looks back',
      help: 'The paper finds 30 to 50 per cent best.',
    },
  ),
  examples: optionalWhole(
    { min: 1, max: MILLION },
    { group: 'mix', label: 'Examples', help: 'At most; left empty, all that the share allows.' },
  ),
} as const;

/** Name of a setting. */
export type ColdStartSettingId = keyof typeof COLD_START_SETTINGS;
/** The settings of a cold start. */
export type ColdStartSettings = Nested<typeof COLD_START_SETTINGS>;
