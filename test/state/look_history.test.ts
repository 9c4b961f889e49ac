// The questions of a visit: what is kept of them, how many, and that one comes back whole with its picture and question.
import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import type { Comparison } from '../../src/state/compare';
import { createLookHistory, type Kept, MOST_BYTES, MOST_KEPT, within } from '../../src/state/look_history';
import type { Picture } from '../../src/state/look_picture';
import { createLookSelection } from '../../src/state/look_selection';
import {
  type Answer,
  beginAnswer,
  EMPTY_SESSION,
  reduceSession,
  type Session,
} from '../../src/state/session';
import { ASKED, script } from './engine_script';

const pictureOf = (id: string, side = 4): Picture => ({
  ...{ id, name: id, blob: new Blob(['x']), questions: [], seen: null, trueAnswer: () => null },
  bitmap: { width: side, height: side } as ImageBitmap,
});

function visit() {
  const session = signal<Session>(EMPTY_SESSION);
  const steps = createLookSelection(session);
  const answerPictures = signal<readonly Picture[]>([]);
  const comparison = signal<Comparison | null>(null);
  const chosen = { pictures: [] as readonly Picture[], question: '', comparing: false };
  const history = createLookHistory({
    session,
    steps,
    answer: {
      answerPictures,
      comparison,
      showAnswer: (answer, pictures, both = null) => {
        session.value = { ...session.value, answer };
        answerPictures.value = pictures;
        comparison.value = both;
      },
    },
    next: {
      arrangePictures: (pictures) => {
        chosen.pictures = pictures;
      },
      setQuestion: (question) => {
        chosen.question = question;
      },
    },
    target: {
      setComparing: (on) => {
        chosen.comparing = on;
      },
      showBoth: () => {
        chosen.comparing = true;
      },
    },
  });
  const begin = (question: string, pictures: readonly Picture[]) => {
    session.value = beginAnswer(session.value, { ...ASKED, question });
    answerPictures.value = pictures;
  };
  const ask = (question: string, pictures: readonly Picture[] = [pictureOf('p')]) => {
    begin(question, pictures);
    session.value = reduceSession(session.value, script());
    return session.value.answer as Answer;
  };
  const questions = () => history.history.value.map(({ answer }) => answer.asked.question);
  return { session, steps, comparison, chosen, history, begin, ask, questions };
}

describe('a history', () => {
  it('keeps each live answer once, and none that was recorded or never began', () => {
    const { session, begin, ask, questions } = visit();
    const first = ask('One?');
    ask('Two?');
    // Brought back or played again, it is the same answer.
    session.value = { ...session.value, answer: first };
    session.value = { ...session.value, answer: { ...first, number: 0, recorded: true } };
    begin('Never?', []);
    session.value = reduceSession(session.value, [
      { type: 'failed', error: { code: 'engine/state', message: 'x' } },
    ]);
    expect(questions()).toEqual(['One?', 'Two?']);
  });

  it('shows one again with its picture, question and look, also after others were numbered', () => {
    const { session, steps, chosen, history, ask, questions } = visit();
    const pictures = [pictureOf('first')];
    const first = ask('One?', pictures);
    const second = ask('Two?');
    const [kept] = history.history.value;
    history.bringBack(kept as Kept);
    expect(session.value.answer).toBe(first);
    expect([chosen.pictures, chosen.question, chosen.comparing]).toEqual([pictures, 'One?', false]);
    expect([steps.selection.value.kind, steps.byPage.value]).toEqual(['range', true]);
    const third = ask('Three?');
    expect(new Set([first, second, third].map(({ number }) => number)).size).toBe(3);
    expect(questions()).toEqual(['One?', 'Two?', 'Three?']);
  });

  it('keeps two compared answers as one question', () => {
    const { session, comparison, chosen, history, begin, ask } = visit();
    const base = ask('Which?');
    begin('Which?', [pictureOf('p')]);
    const whole = reduceSession(session.value, script()).answer as Answer;
    const choice = { id: 'a', name: 'A', strength: 1 };
    comparison.value = { choice, base, adapter: whole, shown: 'adapter' };
    session.value = { ...session.value, answer: whole };
    expect(history.history.value).toHaveLength(1);
    comparison.value = null;
    history.bringBack(history.history.value[0] as Kept);
    expect(comparison.value).toMatchObject({ base, adapter: whole, shown: 'adapter' });
    expect(chosen.comparing).toBe(true);
  });

  it('changes nothing while an answer is under way', () => {
    const { session, history, begin, ask } = visit();
    ask('One?');
    begin('Two?', []);
    history.bringBack(history.history.value[0] as Kept);
    expect(session.value.answer?.asked.question).toBe('Two?');
  });

  it('is cleared, and comes back until another answer is given', () => {
    const { history, ask, questions } = visit();
    ask('One?');
    history.clearHistory();
    expect([questions(), history.cleared.value.length]).toEqual([[], 1]);
    history.undoClear();
    expect([questions(), history.cleared.value.length]).toEqual([['One?'], 0]);
    history.clearHistory();
    ask('Two?');
    history.undoClear();
    expect(questions()).toEqual(['Two?']);
  });
});

describe('within', () => {
  const answer = reduceSession(beginAnswer(EMPTY_SESSION, ASKED), script()).answer as Answer;
  const kept = (side: number): Kept => ({ answer, pictures: [pictureOf('p', side)], comparison: null });

  it('gives the oldest up by number and by room, never the newest', () => {
    const many = Array.from({ length: MOST_KEPT + 3 }, () => kept(4));
    expect(within(many)).toEqual(many.slice(3));
    // Each of these takes a little more than half of the room.
    const side = Math.ceil(Math.sqrt(MOST_BYTES / 8));
    const large = [kept(side), kept(side), kept(side)];
    expect(within(large)).toEqual(large.slice(2));
    expect(within([kept(2 * side)])).toHaveLength(1);
    // The same picture is there once.
    const one = pictureOf('p', side);
    expect(within(large.map((each) => ({ ...each, pictures: [one] })))).toHaveLength(3);
  });
});
