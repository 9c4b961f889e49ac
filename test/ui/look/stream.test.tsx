// The stream of a long answer: what a token costs the document stays the same, however many stand before it. Counted in changes
// of the document, which no other work on the machine makes more.
import { expect, it, vi } from 'vitest';
import { layoutCards } from '../../../src/state/segment_layout';
import { type Answer, beginAnswer, EMPTY_SESSION, reduceSession } from '../../../src/state/session';
import { createTextSoFar } from '../../../src/state/text_so_far';
import { StreamView } from '../../../src/ui/look/stream';
import { ASKED, attention, PROMPT, token } from '../../state/engine_script';

const TOKENS = 3000;
const PART = 500;

it('changes the document as often for the last 500 of 3000 tokens as for the first', async () => {
  vi.stubGlobal('requestAnimationFrame', (draw: () => void) => {
    queueMicrotask(draw);
    return 1;
  });
  const root = document.createElement('section');
  document.body.replaceChildren(root);
  const nothing = () => undefined;
  const callbacks = { hover: nothing, pin: nothing, pinRange: nothing, pinCard: nothing, following: nothing };
  const view = new StreamView(root, callbacks);
  const observer = new MutationObserver(nothing);
  observer.observe(root, { childList: true, subtree: true, attributes: true, characterData: true });

  const text = createTextSoFar();
  let session = reduceSession(beginAnswer(EMPTY_SESSION, ASKED), [{ type: 'promptReady', prompt: PROMPT }]);
  const changes: number[] = [];
  for (let step = 0; step < TOKENS; step++) {
    const word = step === 0 ? '<think>' : ` word ${step}`;
    const events = [token(step, word, text.push(word)), ...(step === 0 ? [] : [attention(step - 1, 0.25)])];
    session = reduceSession(session, events);
    const answer = session.answer as Answer;
    view.update(answer, layoutCards(answer));
    await Promise.resolve();
    changes.push(observer.takeRecords().length);
  }
  view.destroy();
  vi.unstubAllGlobals();
  const sum = (list: readonly number[]) => list.reduce((total, one) => total + one, 0);
  const first = sum(changes.slice(1, 1 + PART));
  expect(first).toBeGreaterThanOrEqual(PART);
  expect(sum(changes.slice(-PART))).toBeLessThanOrEqual(first);
  expect(root.querySelectorAll('.token')).toHaveLength(TOKENS);
});
