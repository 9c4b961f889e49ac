// Words of a sequence's state, and what WGSL is told of them. No GPU is asked for anything.
import { describe, expect, it } from 'vitest';
import {
  endedSequence,
  KEY_CLASS,
  packSequenceStates,
  SEQUENCE_WORD,
  SEQUENCE_WORDS,
  STATE_DEFINES,
  sequenceWord,
} from '../../src/kernels/sequence_words';
import { shaderFiles } from '../../src/kernels/shader';

describe('words of a sequence', () => {
  it('come back by name from where they were packed', () => {
    const first = { slot: 3, length: 5, prefixSlot: 7, prefixLength: 9, position: 11 };
    const running = { ...first, generated: 13, done: 0, token: 17 };
    const words = packSequenceStates([running, endedSequence(4)]);
    expect([...words]).toEqual([3, 5, 7, 9, 11, 13, 0, 17, 4, 0, 0, 0, 0, 0, 1, 0]);
    for (const name of Object.keys(SEQUENCE_WORD) as (keyof typeof SEQUENCE_WORD)[])
      expect([...sequenceWord(words, name)]).toEqual([running[name], endedSequence(4)[name]]);
  });

  it('and classes of keys number their places without a gap', () => {
    for (const names of [SEQUENCE_WORD, KEY_CLASS])
      expect(Object.values(names)).toEqual(Object.values(names).map((_, index) => index));
    expect(SEQUENCE_WORDS).toBe(8);
  });
});

describe('shaders', () => {
  it('read the words and the classes by name alone', () => {
    expect(STATE_DEFINES).toMatchObject({ SEQUENCE_PREFIX_LENGTH: 3, KEY_CLASS_IMAGE: 1, KEY_CLASSES: 5 });
    const bare = Object.entries(shaderFiles).flatMap(([path, text]) =>
      text
        .split('\n')
        .filter((line) => !line.startsWith('//') && /\bsequences\[(?!.*\$\{SEQUENCE_)|kind == \d/.test(line))
        .map((line) => `${path}: ${line.trim()}`),
    );
    expect(bare).toEqual([]);
  });
});
