// Draws the answer's panel: what stands above the answer, the player, the stream, and what can be done next. Nothing here
// renders per token; announcements go to a polite status once per segment.

import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { isOpen } from '../../state/session';
import { COPY } from '../copy';
import { type Draw, LazyPage } from '../lazy_page';
import { Notice } from '../notice';
import { Again } from './again';
import { AnswerLine, AnswerTitle } from './answer_head';
import { useEarlier } from './earlier_mark';
import { Figures } from './figures';
import { playsFirst } from './first_trace';
import { useLook } from './look_context';
import { attentionNumbers, StreamView } from './stream';
import '../styles/stream.css';

/** Media in which the panels of the Look page lie below one another; the same as in the styles. */
const ONE_COLUMN = '(max-width: 860px)';

// Fetched with the first replay.
async function loadReplayBar(): Promise<Draw> {
  const { ReplayBar } = await import('./replay_bar');
  return () => <ReplayBar />;
}

function Stream() {
  const look = useLook();
  const root = useRef<HTMLElement>(null);
  const view = useRef<StreamView | null>(null);
  const following = useSignal(true);
  useEffect(() => {
    if (root.current === null) return;
    const made = new StreamView(root.current, {
      hover: look.setPreview,
      pin: look.pin,
      pinRange: look.pinRange,
      pinCard: (index) => {
        const card = look.cards.value[index];
        if (card) look.pinCard(card);
      },
      following: (value) => {
        following.value = value;
      },
    });
    view.current = made;
    made.update(look.session.value.answer, look.cards.value);
    return () => made.destroy();
  }, [look, following]);
  useSignalEffect(() => {
    view.current?.update(look.session.value.answer, look.cards.value);
  });
  useSignalEffect(() => {
    const live = look.selection.value.kind === 'live';
    // While live, only what is hovered is marked: the newest token is where the text ends anyway.
    const range = live && look.preview.value === null ? null : look.shown.value;
    view.current?.mark(range, !live && look.preview.value === null);
  });
  useSignalEffect(() => {
    view.current?.number(attentionNumbers(look.attending.value));
  });
  const busy = useComputed(() => isOpen(look.session.value.answer));
  const status = useComputed(() => look.session.value.answer?.status ?? 'none');
  return (
    <div class="stream-frame">
      {status.value === 'none' && <p class="empty">{COPY.stream.empty}</p>}
      {status.value === 'waiting' && <p class="empty pulse">{COPY.stream.waiting}</p>}
      <section ref={root} class="stream" aria-label={COPY.stream.text} aria-busy={busy.value} />
      {!following.value && (
        <button type="button" class="chip latest" onClick={() => view.current?.follow()}>
          {COPY.stream.latest}
        </button>
      )}
    </div>
  );
}

/** The controls of an answer that is played; their place is kept from the first paint where one will be. */
function Player() {
  const look = useLook();
  const expected = useComputed(
    () => look.replay.value !== null || (playsFirst.value && look.session.value.answer === null),
  );
  if (!expected.value) return null;
  return <div class="player">{look.replay.value !== null && <LazyPage load={loadReplayBar} />}</div>;
}

/** Where the panel lies below the picture, brings it into view when somebody has asked. */
function useAnswerInView(panel: RefObject<HTMLElement | null>): void {
  const look = useLook();
  // Once more with the first token, when all that stands above the answer has come or gone.
  const begun = useComputed(() => {
    const { answer } = look.session.value;
    const waits = answer?.status === 'waiting' || answer?.status === 'running';
    return waits ? `${answer.number} ${answer.status}` : null;
  });
  useSignalEffect(() => {
    if (begun.value === null || !matchMedia(ONE_COLUMN).matches) return;
    requestAnimationFrame(() => panel.current?.scrollIntoView({ block: 'start' }));
  });
}

/** The answer panel. */
export function StreamPanel() {
  const look = useLook();
  const panel = useRef<HTMLElement>(null);
  const status = useComputed(() => look.session.value.answer?.status ?? 'none');
  const recorded = useComputed(() => look.session.value.answer?.recorded ?? false);
  const error = useComputed(() => look.session.value.answer?.error ?? null);
  const earlier = useEarlier();
  useAnswerInView(panel);
  return (
    <section
      ref={panel}
      class="panel stream-panel"
      aria-labelledby="stream-title"
      data-testid="answer"
      data-status={status.value}
      data-recorded={recorded.value}
      data-earlier={earlier.value ?? ''}
    >
      <AnswerTitle />
      <AnswerLine />
      <Player />
      <Stream />
      {error.value !== null && <Notice error={error.value} compact />}
      <Again />
      <Figures />
    </section>
  );
}
