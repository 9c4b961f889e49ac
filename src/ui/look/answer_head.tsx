// Draws what stands above an answer: that it is recorded, the question that it answers, and in one line what it did and
// whether that is right. Its place is kept while there is nothing to say, so that the text below stays where it is.

import { useComputed, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { isOpen } from '../../state/session';
import { COPY } from '../copy';
import type { Draw } from '../lazy_page';
import { EarlierMark, useEarlier } from './earlier_mark';
import { guideShown } from './guide_shown';
import { useLook } from './look_context';
import { headlineOf } from './replay_headline';
import { verdictSentence } from './verdict_copy';

/** The guide once it is fetched; nothing before, as it is not waited for. */
function GuideLine() {
  const part = useSignal<{ readonly draw: Draw } | null>(null);
  useEffect(() => {
    import('./guide').then(
      ({ Guide }) => {
        part.value = { draw: () => <Guide /> };
      },
      () => {
        // The page works without it.
      },
    );
  }, [part]);
  return <>{part.value?.draw()}</>;
}

/** The title of the panel; for an answer that is played, also the question, which no field shows. */
export function AnswerTitle() {
  const look = useLook();
  const played = useComputed(() => {
    const { answer } = look.session.value;
    const playing = look.replay.value !== null;
    return playing && answer !== null ? { recorded: answer.recorded, question: answer.asked.question } : null;
  });
  const earlier = useEarlier().value !== null;
  return (
    <header class="panel-head answer-title">
      <h2 id="stream-title">{COPY.stream.title}</h2>
      {played.value !== null && (
        <>
          <span class="badge">{played.value.recorded ? COPY.stream.recorded : COPY.stream.replayed}</span>
          {!earlier && <span class="answer-question">{COPY.stream.asked(played.value.question)}</span>}
        </>
      )}
      <EarlierMark />
      {guideShown.value && <GuideLine />}
    </header>
  );
}

/** What the answer did, as far as it is shown. */
function Headline() {
  const look = useLook();
  const words = useComputed(() => {
    const { answer } = look.session.value;
    if (answer === null || answer.status === 'failed' || isOpen(answer)) return '';
    return headlineOf(answer);
  });
  return words.value === '' ? null : (
    <strong data-testid="headline" class="headline">
      {words.value}
    </strong>
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
    <span class="outcome" data-testid="outcome" data-answer={boxed ?? ''} data-reason={reason}>
      {verdict !== null && reason === 'eos' && <span data-testid="verdict">{verdict}</span>}
      {reason === 'stopped' && <span class="hint">{COPY.stream.stopped}</span>}
      {reason === 'length' && <span class="hint">{COPY.stream.tokensCut}</span>}
      {reason === 'eos' && boxed === null && <span class="hint">{COPY.stream.noAnswer}</span>}
    </span>
  );
}

/** What the answer did, and whether it is right. */
export function AnswerLine() {
  return (
    <p class="answer-line">
      <Headline /> <Outcome />
    </p>
  );
}
