// Draws two answers side by side while comparing: the base model's and the adapter's, each a stream of its own.
// Picture and selection are about one side at a time, and that side says so.

import { useComputed, useSignalEffect } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Side } from '../../state/compare';
import { layoutCards } from '../../state/segment_layout';
import { type Answer, isOpen } from '../../state/session';
import { COPY } from '../copy';
import { Notice } from '../notice';
import { Again } from './again';
import { COMPARE_COPY } from './compare_copy';
import { EarlierMark, useEarlier } from './earlier_mark';
import { Figures } from './figures';
import { useLook } from './look_context';
import { attentionNumbers, StreamView } from './stream';
import { verdictSentence } from './verdict_copy';
import '../styles/stream.css';
import '../styles/compare.css';

interface SideStreamProps {
  readonly side: Side;
  readonly title: string;
  /** What stands in the stream's place before its first token. */
  readonly children: ComponentChildren;
}

function SideStream({ side, title, children }: SideStreamProps) {
  const look = useLook();
  const root = useRef<HTMLElement>(null);
  const view = useRef<StreamView | null>(null);
  const answer = useComputed(() => look.comparison.value?.[side] ?? null);
  const cards = useComputed(() => (answer.value === null ? [] : layoutCards(answer.value)));
  useEffect(() => {
    if (root.current === null) return;
    const shown = () => look.comparison.value?.shown === side;
    // Pointing at the other side makes picture and selection about it.
    const onThisSide = (act: () => void) => {
      if (!shown()) look.showSide(side);
      if (shown()) act();
    };
    const made = new StreamView(root.current, {
      hover: (range) => {
        if (shown()) look.setPreview(range);
      },
      pin: (step) => onThisSide(() => look.pin(step)),
      pinRange: (from, to) => onThisSide(() => look.pinRange(from, to)),
      pinCard: (index) =>
        onThisSide(() => {
          const card = look.cards.value[index];
          if (card) look.pinCard(card);
        }),
      following: () => undefined,
    });
    view.current = made;
    made.update(answer.value, cards.value);
    return () => made.destroy();
  }, [look, side, answer, cards]);
  useSignalEffect(() => {
    view.current?.update(answer.value, cards.value);
  });
  useSignalEffect(() => {
    const mine = look.comparison.value?.shown === side;
    const live = look.selection.value.kind === 'live';
    const range = !mine || (live && look.preview.value === null) ? null : look.shown.value;
    view.current?.mark(range, mine && !live && look.preview.value === null);
  });
  useSignalEffect(() => {
    const mine = look.comparison.value?.shown === side;
    view.current?.number(attentionNumbers(mine ? look.attending.value : []));
  });
  const busy = useComputed(() => isOpen(answer.value));
  return (
    <div class="stream-frame">
      {children}
      <section ref={root} class="stream" aria-label={COMPARE_COPY.text(title)} aria-busy={busy.value} />
    </div>
  );
}

function Outcome({ answer }: { readonly answer: Answer }) {
  const { result, status } = answer;
  if (status !== 'finished' || result === null) return <div class="outcome" />;
  const reason = result.stats.finishReason;
  const verdict = verdictSentence(result, answer.asked.expected);
  const boxed = result.answer ?? '';
  return (
    <div class="outcome" data-answer={boxed} data-reason={reason}>
      {verdict !== null && reason === 'eos' && <p>{verdict}</p>}
      {reason === 'stopped' && <p class="hint">{COPY.stream.stopped}</p>}
      {reason === 'length' && <p class="hint">{COPY.stream.tokensCut}</p>}
      {reason === 'eos' && boxed === '' && <p class="hint">{COPY.stream.noAnswer}</p>}
    </div>
  );
}

/** What an empty side is waiting for. */
function emptyWords(side: Side, base: Answer | null): string {
  if (base === null) return COMPARE_COPY.empty;
  return side === 'adapter' && !isOpen(base) ? COMPARE_COPY.notAsked : COMPARE_COPY.waitsForBase;
}

function SidePanel({ side }: { readonly side: Side }) {
  const look = useLook();
  const comparison = useComputed(() => look.comparison.value);
  const answer = useComputed(() => comparison.value?.[side] ?? null);
  const title = useComputed(() => {
    if (side === 'base') return COMPARE_COPY.base;
    const choice = comparison.value?.choice ?? look.adapter.value;
    return choice === null ? COPY.adapter.label : COPY.adapter.withStrength(choice.name, choice.strength);
  });
  const shown = useComputed(() => comparison.value?.shown === side && answer.value !== null);
  const both = useComputed(() => {
    const { base, adapter } = comparison.value ?? { base: null, adapter: null };
    return base !== null && adapter !== null && !isOpen(base) && !isOpen(adapter);
  });
  const status = answer.value?.status ?? 'none';
  const error = answer.value?.error ?? null;
  return (
    <section
      class="compare-side"
      aria-labelledby={`compare-${side}-title`}
      data-testid={`compare-${side}`}
      data-status={status}
      data-shown={shown.value}
    >
      <header class="panel-head">
        <h3 id={`compare-${side}-title`} title={title.value}>
          {title.value}
        </h3>
        {both.value && (
          <button
            type="button"
            class="quiet small"
            aria-pressed={shown.value}
            aria-label={`${COMPARE_COPY.showOn}: ${title.value}`}
            onClick={() => look.showSide(side)}
          >
            {shown.value ? COMPARE_COPY.shownOn : COMPARE_COPY.showOn}
          </button>
        )}
      </header>
      <SideStream side={side} title={title.value}>
        {status === 'none' && <p class="empty">{emptyWords(side, comparison.value?.base ?? null)}</p>}
        {status === 'waiting' && <p class="empty pulse">{COPY.stream.waiting}</p>}
      </SideStream>
      {answer.value !== null && <Outcome answer={answer.value} />}
      {error !== null && <Notice error={error} compact />}
    </section>
  );
}

/** Both answers. */
export function ComparePanel() {
  const look = useLook();
  const any = useComputed(() => look.comparison.value !== null);
  return (
    <section
      class="panel compare-panel"
      aria-labelledby="compare-title"
      data-earlier={useEarlier().value ?? ''}
    >
      <header class="panel-head">
        <h2 id="compare-title">{COMPARE_COPY.title}</h2>
        <EarlierMark />
      </header>
      <div class="compare-sides">
        <SidePanel side="base" />
        <SidePanel side="adapter" />
      </div>
      <Again />
      {any.value && <Figures />}
    </section>
  );
}
