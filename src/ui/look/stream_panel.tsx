// Draws the answer's panel: mounts the stream, shows the answer large, and offers what can be done next. Nothing here
// renders per token; announcements go to a polite status once per segment.

import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { earlierSubject } from '../../state/earlier_answer';
import { nameOf } from '../../state/look_answer';
import { isOpen } from '../../state/session';
import { COPY } from '../copy';
import { type Draw, LazyPage } from '../lazy_page';
import { Notice } from '../notice';
import { Again } from './again';
import { Figures } from './figures';
import { useLook } from './look_context';
import { StreamView } from './stream';
import { verdictSentence } from './verdict_copy';
import '../styles/stream.css';

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
  const busy = useComputed(() => isOpen(look.session.value.answer));
  return (
    <div class="stream-frame">
      <section ref={root} class="stream" aria-label={COPY.stream.text} aria-busy={busy.value} />
      {!following.value && (
        <button type="button" class="chip latest" onClick={() => view.current?.follow()}>
          {COPY.stream.latest}
        </button>
      )}
    </div>
  );
}

function Outcome() {
  const look = useLook();
  const shown = useComputed(() => {
    const { answer } = look.session.value;
    if (answer === null || answer.status !== 'finished' || answer.result === null) return null;
    const { stats, answer: boxed } = answer.result;
    const verdict = verdictSentence(answer.result, answer.asked.expected);
    return { boxed, verdict, reason: stats.finishReason };
  });
  if (shown.value === null) return null;
  const { boxed, verdict, reason } = shown.value;
  return (
    <div class="outcome" data-testid="outcome" data-answer={boxed ?? ''} data-reason={reason}>
      {verdict !== null && reason === 'eos' && <p data-testid="verdict">{verdict}</p>}
      {reason === 'stopped' && <p class="hint">{COPY.stream.stopped}</p>}
      {reason === 'length' && <p class="hint">{COPY.stream.tokensCut}</p>}
      {reason === 'eos' && boxed === null && <p class="hint">{COPY.stream.noAnswer}</p>}
    </div>
  );
}

/** The answer panel. */
export function StreamPanel() {
  const look = useLook();
  const status = useComputed(() => look.session.value.answer?.status ?? 'none');
  const recorded = useComputed(() => look.session.value.answer?.recorded ?? false);
  const error = useComputed(() => look.session.value.answer?.error ?? null);
  const earlier = useComputed(() =>
    earlierSubject(look.session.value.answer, nameOf(look.pictures.value), look.question.value),
  );
  return (
    <section
      class="panel stream-panel"
      aria-labelledby="stream-title"
      data-testid="answer"
      data-status={status.value}
      data-recorded={recorded.value}
      data-earlier={earlier.value ?? ''}
    >
      <header class="panel-head">
        <h2 id="stream-title">{COPY.stream.title}</h2>
        <Again />
      </header>
      {look.replay.value !== null && <LazyPage load={loadReplayBar} />}
      {status.value === 'none' && <p class="empty">{COPY.stream.empty}</p>}
      {status.value === 'waiting' && <p class="empty pulse">{COPY.stream.waiting}</p>}
      {earlier.value !== null && (
        <p class="hint" role="status" data-testid="earlier">
          {COPY.stream.earlier[earlier.value]}
        </p>
      )}
      <Stream />
      <Outcome />
      {error.value !== null && <Notice error={error.value} compact />}
      <Figures />
    </section>
  );
}
