// The settings of the built-in world: a part of the table of a run, asked of no other source.

import { expect, it } from 'vitest';
import { TRAIN_SETTINGS, type TrainSettingId, trainSettingApplies } from '../../src/settings/train_settings';
import { WORLD_SETTINGS } from '../../src/settings/world_settings';

const ids = Object.keys(WORLD_SETTINGS) as TrainSettingId[];

it('stand in the table of a run as they are declared', () => {
  expect(TRAIN_SETTINGS).toMatchObject(WORLD_SETTINGS);
  expect(ids.filter((id) => !id.startsWith('source.'))).toEqual([]);
});

it('are asked of the world and of no dataset; those of written answers of SFT alone', () => {
  const asked = (kind: string, method: string) =>
    ids.filter((id) =>
      trainSettingApplies(id, (name) => ({ 'source.kind': kind, method })[name as 'method'] ?? null),
    );
  expect(asked('rows', 'sft')).toEqual([]);
  expect(asked('shapes_world', 'sft')).toEqual(ids);
  expect(asked('shapes_world', 'grpo')).not.toContain('source.looks');
  expect(asked('shapes_world', 'grpo')).toContain('source.questions');
});
