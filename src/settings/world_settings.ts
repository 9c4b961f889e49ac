// Declares the settings of the built-in world as a source of training, once: a part of the table of a training run.

import { choice, number, type SettingWords, whole } from './setting';
import type { SettingGroup } from './setting_groups';

type Words = SettingWords<SettingGroup>;
const world = (words: Omit<Words, 'group' | 'source'>): Words => ({
  group: 'world',
  source: 'shapes_world',
  ...words,
});

/** Every setting of the world by its name, in the order of the page. */
export const WORLD_SETTINGS = {
  'source.pictures': choice(
    'both',
    { both: 'Sheets and photographs', sheets: 'Sheets of shapes', photographs: 'Photographs' },
    world({ label: 'Pictures' }),
  ),
  'source.questions': choice(
    'all',
    { all: 'Of every kind', two_counts: 'Those that need two counts' },
    world({ label: 'Questions', help: 'Those that compare two rows or columns need two counts.' }),
  ),
  'source.textShare': number(
    0.2,
    { min: 0, max: 1 },
    world({
      label: 'Share without the picture',
      help: 'Questions that the picture does not help with.',
    }),
  ),
  'source.scenes': whole(
    800,
    { min: 1, max: 1_000_000 },
    world({ method: 'sft', label: 'Scenes', help: 'Drawn for the written answers.' }),
  ),
  'source.rolloutsPerScene': whole(
    4,
    { min: 1, max: 64 },
    world({
      method: 'sft',
      label: 'Answers per scene',
      help: 'Sampled from the base; the written answers are made from them.',
    }),
  ),
  'source.reflectionRate': number(
    0.5,
    { min: 0, max: 1 },
    world({
      method: 'sft',
      label: 'Share that looks back',
      help: 'Of the written answers. Below one half, greedy answers hardly ever look back.',
    }),
  ),
  'source.looks': choice(
    'one',
    { one: 'One for the whole question', each: 'One for each count' },
    world({
      method: 'sft',
      label: 'Looks back in an answer',
      help: 'Differs on questions that need two counts: each is then looked up right before it is used.',
    }),
  ),
  'source.chains': choice(
    'own',
    {
      own: 'The model’s own',
      reworded: 'What the model saw, in foreign words',
      foreign: 'Foreign words, and what the model cannot see',
    },
    world({
      method: 'sft',
      label: 'Thoughts around the look',
      help: 'Same questions and looks. Thoughts in foreign words say either what the model’s own said, or the truth.',
    }),
  ),
};
