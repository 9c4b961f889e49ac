// The announcements: one short sentence per segment, none per token.
import { describe, expect, it } from 'vitest';
import { layoutCards } from '../../src/state/segment_layout';
import { beginAnswer, EMPTY_SESSION, reduceSession } from '../../src/state/session';
import { progressSentence } from '../../src/ui/status';
import { ASKED, script } from '../state/engine_script';

describe('progressSentence', () => {
  it('changes at segment boundaries only', () => {
    const events = script();
    const said: string[] = [];
    for (let end = 0; end <= events.length; end++) {
      const session = reduceSession(beginAnswer(EMPTY_SESSION, ASKED), events.slice(0, end));
      const cards = session.answer === null ? [] : layoutCards(session.answer);
      const sentence = progressSentence({ session: { value: session }, cards: { value: cards } });
      if (sentence !== said.at(-1)) said.push(sentence);
    }
    expect(said).toEqual(['', 'Thinking.', 'Looking back at the image.', 'Thinking.', '', 'Answer: 3.']);
  });

  it('tells an interruption', () => {
    const session = reduceSession(beginAnswer(EMPTY_SESSION, ASKED), [
      { type: 'failed', error: { code: 'gpu/validation', message: '' } },
    ]);
    expect(progressSentence({ session: { value: session }, cards: { value: [] } })).toBe(
      'The answer was interrupted.',
    );
  });
});
