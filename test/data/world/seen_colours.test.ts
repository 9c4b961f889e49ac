// Checks what pocket sees of any picture: the very pixels that its processor makes, questions that have an answer, and
// intervals where the picture does not decide.

import { describe, expect, it } from 'vitest';
import { cropToSquare, processQwenImages } from '../../../src/data/image/image_processor';
import type { PixelArray } from '../../../src/data/image/pillow_resize';
import type { Question } from '../../../src/data/world/question';
import { readQuestion } from '../../../src/data/world/question_reader';
import {
  clearCells,
  coloursOf,
  seenColours,
  seenPixels,
  suggestQuestions,
  truthOf,
} from '../../../src/data/world/seen_colours';
import { clearWords, drawSample } from '../../../src/data/world/world_sample';
import { createPrng } from '../../../src/lib/prng';
import { configReader } from '../../../src/model/families/family';
import { readQwenImageConfig } from '../../../src/model/families/qwen_reading';

const PROCESSOR = {
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
  patch_size: 8,
  merge_size: 2,
  temporal_patch_size: 2,
  min_pixels: 3969,
  max_pixels: 4225,
};

/** A picture of 4×4 flat cells by their colours; two colours share a cell half and half. */
function mosaic(cells: readonly (readonly (readonly number[])[])[], cell = 20): PixelArray {
  const data = new Uint8Array((4 * cell) ** 2 * 3);
  for (let y = 0; y < 4 * cell; y++) {
    for (let x = 0; x < 4 * cell; x++) {
      const colours = cells[Math.floor(y / cell) * 4 + Math.floor(x / cell)] ?? [];
      const colour = colours[Math.floor(((x % cell) / cell) * colours.length)] ?? [];
      data.set(colour, (y * 4 * cell + x) * 3);
    }
  }
  return { width: 4 * cell, height: 4 * cell, channels: 3, data };
}

const [RED, BLUE, GREEN] = [
  [216, 32, 42],
  [32, 80, 216],
  [31, 138, 48],
];
/** Row a: three red, one half red; the other rows blue but for one green cell in d. */
const CELLS = Array.from({ length: 16 }, (_, i) =>
  i < 3 ? [RED] : i === 3 ? [RED, BLUE] : i === 15 ? [GREEN] : [BLUE],
) as number[][][];

function ask(text: string): Question {
  const question = readQuestion(text);
  if (question === null) throw new Error(`unread: ${text}`);
  return question;
}

describe('what pocket sees', () => {
  it('is what its processor gives the model, whatever the size and shape', () => {
    const prng = createPrng(4);
    for (const [width, height] of [
      [64, 64],
      [200, 131],
      [37, 90],
    ] as const) {
      const data = Uint8Array.from({ length: width * height * 3 }, () => prng.nextInt(256));
      const image = { width, height, channels: 3, data };
      const config = readQwenImageConfig(configReader(PROCESSOR, 'preprocessor_config.json'));
      const given = processQwenImages([cropToSquare(image)], config);
      const seen = { width: 64, height: 64, channels: 3, data: seenPixels(image) };
      expect(given.gridThw).toEqual([[1, 8, 8]]);
      expect(given.pixelValues).toEqual(processQwenImages([seen], config).pixelValues);
      // The verdict is computed from the processor's pixels, the suggested questions from ours.
      expect(given.resized).toEqual([seen]);
      expect(coloursOf(seen)).toEqual(seenColours(image));
    }
    expect(coloursOf({ width: 6, height: 6, channels: 3, data: new Uint8Array(108) })).toBeNull();
  });

  it('knows the answer where the picture decides it, and the interval where it does not', () => {
    const shares = seenColours(mosaic(CELLS));
    expect(truthOf(ask('How many green cells? Add 4.'), shares)).toEqual({
      answers: ['5'],
      unclear: [],
      word: 'green',
    });
    expect(truthOf(ask('How many red cells?'), shares)).toEqual({
      answers: ['3', '4'],
      unclear: ['a4'],
      word: 'red',
    });
    expect(truthOf(ask('20 minus the red cells.'), shares)?.answers).toEqual(['17', '16']);
    expect(truthOf(ask('Which row has more red cells, b or a?'), shares)?.answers).toEqual(['a']);
    expect(truthOf(ask('Which row has more blue cells, a or d?'), shares)?.answers).toEqual(['d']);
    expect(truthOf(ask('Which column has more blue cells, 3 or 4?'), shares)?.answers).toEqual(['3', 'same']);
    expect(truthOf(ask('Are there any pink cells?'), shares)?.answers).toEqual(['no']);
    expect(truthOf(ask('How many red squares?'), shares)).toBeNull();
    expect(truthOf(ask('What is 3 plus 4?'), shares)).toEqual({ answers: ['7'], unclear: [], word: null });
  });

  it('knows which cells are clear', () => {
    const words = clearCells(seenColours(mosaic(CELLS)));
    expect(words.slice(0, 5)).toEqual(['red', 'red', 'red', null, 'blue']);
    expect(words.at(-1)).toBe('green');
  });

  it('suggests questions with one answer, about some cells but not all', () => {
    for (let index = 0; index < 20; index++) {
      const sample = drawSample({ split: 'photographs', seed: 5, index });
      const image = { width: 64, height: 64, channels: 3, data: sample.image() };
      const shares = seenColours(image);
      const some = clearWords(shares, 0.2).filter(({ count }) => count > 0 && count < 16);
      const questions = suggestQuestions(shares);
      expect(questions.length).toBeGreaterThan(0);
      for (const text of questions) {
        const { answers = [], word = null } = truthOf(ask(text), shares) ?? {};
        if (some.length === 0) continue;
        expect(answers, text).toHaveLength(1);
        expect(some.map((clear) => clear.word)).toContain(word);
      }
    }
    const [first = ''] = suggestQuestions(seenColours(mosaic(CELLS)));
    expect(first).toBe('How many cells are mostly green? Add 4.');
    // A half-red cell leaves red open, and blue with it.
    const half = seenColours(mosaic(CELLS.slice(0, 15).concat([[RED]])));
    const open = suggestQuestions(half);
    expect(open).toEqual(['How many cells are mostly red?', 'Are there any red cells?']);
    expect(open.map((text) => truthOf(ask(text), half)?.answers)).toEqual([['4', '5'], ['yes']]);
    const flat = suggestQuestions(seenColours(mosaic(Array(16).fill([BLUE]) as number[][][])));
    expect(flat).toEqual(['How many cells are mostly blue?']);
  });
});
