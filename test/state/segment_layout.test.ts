// Cards and bands from segments: tags belong to their card, and every step to at most one card.
import { describe, expect, it } from 'vitest';
import { parseAnswer } from '../../src/answer/answer_grammar';
import { backBands, cardOfStep, layoutCards } from '../../src/state/segment_layout';
import { beginAnswer, EMPTY_SESSION, reduceSession, type Step } from '../../src/state/session';
import { ASKED, script } from './engine_script';

function steps(...texts: string[]): Step[] {
  let at = 0;
  return texts.map((text, id) => {
    const start = at;
    at += text.length;
    return { id, text, start, end: at, shares: null, map: null, atMs: 0 };
  });
}

/** The cards of these tokens, their segments as the engine finds them. */
function cardsOf(...tokens: string[]) {
  const text = tokens.join('');
  const segments = parseAnswer(text).segments.map((found) => ({ ...found, tokenStart: 0, tokenEnd: 0 }));
  return layoutCards({ text, steps: steps(...tokens), segments });
}

describe('layoutCards', () => {
  it('gives the scripted answer four cards that cover all of its steps', () => {
    const { answer } = reduceSession(beginAnswer(EMPTY_SESSION, ASKED), script());
    if (answer === null) throw new Error('no answer');
    const cards = layoutCards(answer);
    expect(cards.map((card) => [card.kind, card.fromStep, card.toStep])).toEqual([
      ['think', 0, 5],
      ['back', 5, 10],
      ['think', 10, 13],
      ['answer', 13, 16],
    ]);
    expect(cards.map((card) => answer.text.slice(card.bodyStart, card.bodyEnd).trim())).toEqual([
      'i see 2 red squares.',
      'check a1 red square 1',
      'so 1.',
      '1',
    ]);
    expect(backBands(cards)).toEqual([{ from: 5, to: 9 }]);
    expect([0, 4, 5, 9, 10, 15, 16].map((step) => cardOfStep(cards, step))).toEqual([0, 0, 1, 1, 2, 3, -1]);
  });

  it('never overlaps and never goes back while the answer grows', () => {
    const events = script();
    for (let end = 1; end <= events.length; end++) {
      const { answer } = reduceSession(beginAnswer(EMPTY_SESSION, ASKED), events.slice(0, end));
      if (answer === null) throw new Error('no answer');
      let step = 0;
      let at = 0;
      for (const card of layoutCards(answer)) {
        expect(card.fromStep).toBe(step);
        expect(card.toStep).toBeGreaterThanOrEqual(card.fromStep);
        expect(card.start).toBe(at);
        expect(card.bodyStart).toBeGreaterThanOrEqual(card.start);
        expect(card.bodyEnd).toBeLessThanOrEqual(card.end);
        step = card.toStep;
        at = card.end;
      }
    }
  });

  it('gives a token that spans two cards to the one it begins in, and drops blank text', () => {
    const cards = cardsOf('<think>', 'a</', 'think> <', 'back>', 'b');
    expect(cards.map((card) => [card.kind, card.fromStep, card.toStep])).toEqual([
      ['think', 0, 3],
      ['back', 3, 5],
    ]);
  });

  it('keeps text outside tags as a card, and gives no band for an answer without back', () => {
    const cards = cardsOf('hel', 'lo');
    expect(cards).toHaveLength(1);
    expect(cards[0]?.toStep).toBe(2);
    expect(backBands(cards)).toEqual([]);
    expect(layoutCards({ text: '', steps: [], segments: [] })).toEqual([]);
  });
});
