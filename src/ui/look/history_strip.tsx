// Draws the questions of this visit as a strip: picture, question, right or wrong; a press shows one again. Fetched when
// it is first unfolded.

import { useComputed, useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { Kept } from '../../state/look_history';
import { isOpen } from '../../state/session';
import { Icon } from '../icons';
import { drawThumbnail } from './heatmap';
import { HISTORY_COPY } from './history_copy';
import { useLook } from './look_context';
import '../styles/history.css';

function Thumbnail({ kept }: { readonly kept: Kept }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useSignalEffect(() => {
    const bitmap = kept.pictures[0]?.bitmap;
    if (canvas.current !== null && bitmap !== undefined) drawThumbnail(canvas.current, bitmap);
  });
  return <canvas ref={canvas} class="thumbnail" width={64} height={64} />;
}

/** Right or wrong in a word; empty where nobody knows, or where the answer was broken off. */
function verdictOf({ answer: { result } }: Kept): string {
  const equal = result?.verdict?.equal;
  if (equal === undefined) return '';
  return equal ? HISTORY_COPY.right : HISTORY_COPY.wrong;
}

function Item({ kept }: { readonly kept: Kept }) {
  const look = useLook();
  const { answer, comparison } = kept;
  const shown = useComputed(() => look.session.value.answer?.number === answer.number);
  const busy = useComputed(() => isOpen(look.session.value.answer));
  const verdict = verdictOf(kept);
  const { question } = answer.asked;
  return (
    <li>
      <button
        type="button"
        class="history-item"
        title={question}
        aria-label={HISTORY_COPY.bringBack(question, verdict, comparison !== null)}
        aria-current={shown.value}
        aria-disabled={busy.value}
        data-verdict={verdict}
        onClick={() => look.bringBack(kept)}
      >
        <Thumbnail kept={kept} />
        <span class="history-question">{question}</span>
        {comparison !== null && <Icon name="compare" />}
        {verdict !== '' && <span class="history-verdict">{verdict === HISTORY_COPY.right ? '✓' : '✗'}</span>}
      </button>
    </li>
  );
}

/** The strip. */
export function HistoryStrip() {
  const look = useLook();
  const list = look.history.value;
  const cleared = look.cleared.value.length;
  if (list.length === 0 && cleared === 0) return <p class="hint">{HISTORY_COPY.empty}</p>;
  if (list.length === 0) {
    return (
      <p role="status">
        {HISTORY_COPY.cleared(cleared)}{' '}
        <button type="button" class="quiet small" onClick={look.undoClear}>
          {HISTORY_COPY.undo}
        </button>
      </p>
    );
  }
  return (
    <div class="history-row">
      <ol class="history-list" aria-label={HISTORY_COPY.list}>
        {list.toReversed().map((kept) => (
          <Item key={kept.answer.number} kept={kept} />
        ))}
      </ol>
      <button type="button" class="quiet small" title={HISTORY_COPY.kept} onClick={look.clearHistory}>
        {HISTORY_COPY.clear}
      </button>
    </div>
  );
}
