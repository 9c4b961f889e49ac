// Unknown words while typing: where they stand in the text, which answers are dropped, and replacing one.

import { signal } from '@preact/signals';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { followQuestion, piecesOf, replaceWord } from '../../src/state/question_words';
import type { QuestionReading } from '../../src/worker/protocol/answers';

const reading = (words: string[], share: number): QuestionReading => ({
  unknown: words.map((word) => ({ word, nearest: [] })),
  share,
});

describe('piecesOf', () => {
  it('cuts at unknown words in any case, and joined gives the text', () => {
    const text = 'How many Zebras, zebras? Red zebrasx.';
    const pieces = piecesOf(text, ['zebras']);
    expect(pieces.filter(({ unknown }) => unknown).map((piece) => piece.text)).toEqual(['Zebras', 'zebras']);
    expect(pieces.map((piece) => piece.text).join('')).toBe(text);
    expect(piecesOf('', ['x'])).toEqual([]);
  });
});

describe('replaceWord', () => {
  it('replaces whole words only', () => {
    expect(replaceWord('Squars and squarsy SQUARS', 'squars', 'squares')).toBe('squares and squarsy squares');
  });
});

describe('followQuestion', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('asks a moment after typing ends, once, and marks what the engine names', async () => {
    const question = signal('How many');
    const readQuestion = vi.fn(async (text: string) =>
      reading(text.includes('zebras') ? ['zebras'] : [], 0.3),
    );
    const words = followQuestion({ readQuestion }, question, signal({}));
    question.value = 'How many z';
    question.value = 'How many zebras';
    await vi.advanceTimersByTimeAsync(200);
    expect(readQuestion.mock.calls).toEqual([['How many zebras']]);
    expect(words.pieces.value.filter(({ unknown }) => unknown)).toHaveLength(1);
    expect(words.unreadable.value).toBe(false);
    words.dispose();
  });

  it('drops an answer about a text that has been changed since', async () => {
    const question = signal('zebras');
    const settle: ((value: QuestionReading) => void)[] = [];
    const readQuestion = () => new Promise<QuestionReading>((resolve) => settle.push(resolve));
    const words = followQuestion({ readQuestion }, question, signal({}));
    await vi.advanceTimersByTimeAsync(200);
    question.value = 'red';
    await vi.advanceTimersByTimeAsync(200);
    settle[1]?.(reading([], 0));
    settle[0]?.(reading(['zebras'], 1));
    await vi.advanceTimersByTimeAsync(1);
    expect(words.reading.value?.share).toBe(0);
    expect(words.unreadable.value).toBe(false);
    words.dispose();
  });

  it('knows when no word can be read, and says nothing without a model', async () => {
    const question = signal('zebras ?');
    const model = signal<unknown>(null);
    const readQuestion = vi.fn(async () => reading(['zebras'], 1));
    const words = followQuestion({ readQuestion }, question, model);
    await vi.advanceTimersByTimeAsync(200);
    expect(readQuestion).not.toHaveBeenCalled();
    model.value = {};
    await vi.advanceTimersByTimeAsync(200);
    expect(words.unreadable.value).toBe(true);
    question.value = '  ';
    expect(words.unreadable.value).toBe(false);
    words.dispose();
  });
});
