// The guide: each step is ticked by what happens on the page, by nothing else, and stays ticked.
import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import { createGuide, type Followed, GUIDE_STEPS } from '../../src/state/guide';
import { layoutCards } from '../../src/state/segment_layout';
import type { Selection } from '../../src/state/selection';
import {
  type Answer,
  beginAnswer,
  EMPTY_SESSION,
  reduceSession,
  type Session,
} from '../../src/state/session';
import { ASKED, script } from './engine_script';

const WHOLE = reduceSession(beginAnswer(EMPTY_SESSION, ASKED, null), script()).answer as Answer;

function page() {
  const session = signal<Session>(EMPTY_SESSION);
  const selection = signal<Selection>({ kind: 'live' });
  const byPage = signal(false);
  const cards = signal(layoutCards(WHOLE));
  let text: string | null = null;
  const kept = {
    read: () => text,
    write: (now: string) => {
      text = now;
    },
  };
  const look: Followed = { session, selection, byPage, cards };
  return { session, selection, byPage, cards, kept, guide: () => createGuide(look, kept) };
}

describe('the guide', () => {
  it('ticks watching and asking by a recorded and by a live answer', () => {
    const { session, guide } = page();
    const { done, next } = guide();
    expect([...done.value]).toEqual([]);
    session.value = { ...session.value, answer: { ...WHOLE, recorded: true, status: 'replaying' } };
    expect(next.value).toBe('watch');
    session.value = { ...session.value, answer: { ...WHOLE, recorded: true } };
    expect([...done.value]).toEqual(['watch']);
    session.value = { ...session.value, answer: WHOLE };
    expect([...done.value]).toEqual(['watch', 'ask']);
    expect(next.value).toBe('pick');
  });

  it('ticks nothing for an answer without a look, nor for steps that the page picks', () => {
    const { session, selection, byPage, cards, guide } = page();
    const { done } = guide();
    cards.value = [];
    session.value = { ...session.value, answer: { ...WHOLE, recorded: true } };
    byPage.value = true;
    selection.value = { kind: 'step', step: 2 };
    expect([...done.value]).toEqual([]);
    selection.value = { kind: 'live' };
    byPage.value = false;
    expect([...done.value]).toEqual([]);
    selection.value = { kind: 'step', step: 2 };
    expect([...done.value]).toEqual(['pick']);
  });

  it('ticks teaching by a run that goes on, and keeps what is done for the next visit', () => {
    const { session, guide } = page();
    const first = guide();
    const training = (state: 'failed' | 'running') => ({ state }) as unknown as Session['training'];
    session.value = { ...session.value, training: training('failed') };
    expect(first.done.value.size).toBe(0);
    session.value = { ...session.value, training: training('running') };
    expect([...first.done.value]).toEqual(['teach']);
    first.stop();
    session.value = EMPTY_SESSION;
    const second = guide();
    expect([...second.done.value]).toEqual(['teach']);
    expect(second.next.value).toBe(GUIDE_STEPS[0]);
  });

  it('takes nothing but its own steps from what was kept', () => {
    const { kept, guide } = page();
    kept.write('ask constructor <b> teach');
    expect([...guide().done.value]).toEqual(['ask', 'teach']);
  });
});
