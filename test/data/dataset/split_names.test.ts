// Splits told from names.
import { expect, it } from 'vitest';
import { isSplitName, preferredSplit, splitOfPath } from '../../../src/data/dataset/split_names';

it.each([
  ['train.jsonl', 'train'],
  ['data/train-00000-of-00002.parquet', 'train'],
  ['my_training_v2/x.csv', 'train'],
  ['val/metadata.jsonl', 'validation'],
  ['set/dev.json', 'validation'],
  ['train/test.jsonl', 'test'],
  ['contest/trains/latest.jsonl', null],
] as const)('%s → %s', (path, split) => expect(splitOfPath(path)).toBe(split));

it('prefers the training split, then the first', () => {
  expect(preferredSplit(['test', 'Train', 'val'])).toBe('Train');
  expect(preferredSplit(['test', 'val'])).toBe('test');
  expect(isSplitName('Validation')).toBe(true);
  expect(isSplitName('train_2')).toBe(false);
});
