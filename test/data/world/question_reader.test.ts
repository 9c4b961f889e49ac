// Checks that every wording of every question reads back into what it asks, and that other texts do not.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { PictureFacts } from '../../../src/data/world/question';
import { answerAbout, readQuestion } from '../../../src/data/world/question_reader';
import { WORDINGS } from '../../../src/data/world/wording';
import { drawSample } from '../../../src/data/world/world_sample';

describe('reading questions', () => {
  it('reads every wording that the world writes, in any case', () => {
    const seen = new Set<string>();
    for (let index = 0; index < 1200; index++) {
      // Few photographs: those are drawn again until a word is clear, which takes longest.
      const request = { split: 'train', seed: 3, index, textShare: 0.2, photographShare: 0.1 } as const;
      const { text, question, wording } = drawSample(request);
      expect(readQuestion(text), text).toEqual(question);
      expect(readQuestion(text.toUpperCase()), text).toEqual(question);
      seen.add(wording);
    }
    const all = Object.entries(WORDINGS).flatMap(([kind, list]) =>
      list.map(({ name }) => `${kind}: ${name}`),
    );
    expect([...seen].sort()).toEqual(all.sort());
  });

  it('reads what people type', () => {
    const red = { target: 'objects', colour: 'red', shape: 'square' };
    expect(readQuestion('How many red squares?')).toEqual({
      kind: 'count',
      selector: red,
      start: 0,
      operations: [],
    });
    expect(readQuestion('how many cells are mostly brown? add four')).toEqual({
      kind: 'count',
      selector: { target: 'cells', colour: 'brown' },
      start: 0,
      operations: [{ verb: 'add', amount: 4 }],
    });
    expect(readQuestion('Which row has more gray cells, b or d?')?.lines).toEqual([
      { axis: 'row', index: 1 },
      { axis: 'row', index: 3 },
    ]);
  });

  it.each([
    '',
    'What is this?',
    'How many dogs?',
    'How many red squares and blue circles?',
    'Count the red squares. Multiply by 3.',
    'Which row has more red cells, a or 2?',
    'Which row has more red cells, a or a?',
    'Start with 99. Add 3.',
    'How many brown squares?',
    'Count the objects.',
    `${'How many? '.repeat(99)}How many red squares?`,
  ])('does not guess at "%.40s"', (text) => {
    expect(readQuestion(text)).toBeNull();
  });
});

describe('answers about drawn sheets', () => {
  it('are those that the examples were published with, worked out by other code', () => {
    const examples = JSON.parse(readFileSync('public/examples/examples.json', 'utf8')) as {
      questions: { text: string; answer: string }[];
      facts: PictureFacts | null;
    }[];
    const drawn = examples.flatMap(({ questions, facts }) => (facts === null ? [] : [{ questions, facts }]));
    expect(drawn.length).toBeGreaterThan(3);
    for (const { questions, facts } of drawn) {
      for (const { text, answer } of questions) expect(answerAbout(text, facts), text).toBe(answer);
    }
  });

  it('are not given for cells, of which a sheet says nothing', () => {
    const sheet: PictureFacts = { kind: 'sheet', cells: Array(16).fill({ colour: 'red', shape: 'ring' }) };
    expect(answerAbout('How many red rings?', sheet)).toBe('16');
    expect(answerAbout('How many red cells?', sheet)).toBeNull();
    expect(answerAbout('Who are you?', sheet)).toBeNull();
  });
});
