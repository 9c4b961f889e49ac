// Suggestions for words that a vocabulary lacks: typing errors find their word, other words find nothing.

import { describe, expect, it } from 'vitest';
import { nearestWords } from '../../../src/data/text/nearest_words';

const KNOWN = [
  'how',
  'many',
  'red',
  'rows',
  'square',
  'squares',
  'circle',
  'circles',
  'purple',
  'start',
  'star',
];

describe('nearestWords', () => {
  it.each([
    ['squars', ['square', 'squares']],
    ['circel', ['circle', 'circles']],
    ['purpel', ['purple']],
    ['Cirlces', ['circles']],
    ['raws', ['rows']],
    ['hwo', []],
    ['elephant', []],
    ['squares', ['square']],
    ['', []],
  ])('for %s names %j', (word, expected) => {
    expect(nearestWords(word, KNOWN, 2)).toEqual(expected);
  });

  it('does not compare a word of thousands of letters', () => {
    const long = 'x'.repeat(10_000);
    expect(nearestWords(long, [long.slice(1)], 2)).toEqual([]);
  });

  it('names no more than it is asked for', () => {
    expect(nearestWords('stars', KNOWN, 1)).toHaveLength(1);
  });
});
