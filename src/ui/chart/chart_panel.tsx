// Draws the chart's panel: the chart, the sentence that says the same in words, the table, and what the shares mean.
// Chart, sentence and table read the same readout as the heatmap.

import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { PlainError } from '../../lib/plain_error';
import { meanShares, percent } from '../../state/attention_view';
import { type Card, cardOfStep } from '../../state/segment_layout';
import { type Answer, isOpen } from '../../state/session';
import { COPY } from '../copy';
import { Icon } from '../icons';
import { partError } from '../lazy_page';
import { useEarlier } from '../look/earlier_mark';
import { useLook } from '../look/look_context';
import { Notice } from '../notice';
import { theme } from '../theme';
import type { ChartView } from './share_chart';
import '../styles/chart.css';

function Chart() {
  const look = useLook();
  const root = useRef<HTMLDivElement>(null);
  const view = useSignal<ChartView | null>(null);
  const error = useSignal<PlainError | null>(null);
  useEffect(() => {
    let gone = false;
    // The library that draws is a third of the page's script: text and picture are there before it.
    import('./share_chart').then(
      (part) => {
        if (gone || root.current === null) return;
        const { setPreview: hover, pin, pinRange } = look;
        view.value = new part.ChartView(root.current, { hover, pin, pinRange });
      },
      (thrown) => {
        error.value = partError(thrown);
      },
    );
    return () => {
      gone = true;
      view.value?.destroy();
    };
  }, [look, view, error]);
  useSignalEffect(() => {
    const live = look.selection.value.kind === 'live' && look.preview.value === null;
    view.value?.update(look.session.value.answer, look.bands.value, look.shown.value, live);
  });
  useSignalEffect(() => {
    if (theme.value) view.value?.recolour();
  });
  const range = useComputed(() => look.readout.value?.range ?? null);
  const bands = useComputed(() => look.bands.value.map((band) => `${band.from}-${band.to}`).join(' '));
  const label = useComputed(() => `${COPY.chart.label}. ${look.readout.value?.sentence ?? COPY.chart.empty}`);
  return (
    <>
      {error.value !== null && <Notice error={error.value} compact />}
      <div
        class="chart"
        role="img"
        aria-label={label.value}
        data-testid="chart"
        data-from={range.value?.from ?? ''}
        data-to={range.value?.to ?? ''}
        data-bands={bands.value}
      >
        <div ref={root} class="chart-root" />
      </div>
    </>
  );
}

/** The sentence about the shown steps; announced by the page's status when a selection is pinned. */
function Sentence() {
  const look = useLook();
  const live = useComputed(() => look.selection.value.kind === 'live');
  const readout = look.readout.value;
  return (
    <p
      class="sentence"
      data-testid="sentence"
      data-from={readout?.range.from ?? ''}
      data-to={readout?.range.to ?? ''}
      data-kind={readout?.kind ?? ''}
      data-image-share={readout?.shares.image.toFixed(4) ?? ''}
    >
      {live.value ? (
        <span class="live-mark">{COPY.chart.live}</span>
      ) : (
        <button type="button" class="quiet small" onClick={look.toLive}>
          {COPY.chart.toLive}
        </button>
      )}
      {readout?.sentence ?? COPY.picture.heatmapNone}
    </p>
  );
}

function Head({ columns }: { readonly columns: readonly string[] }) {
  return (
    <thead>
      <tr>
        {columns.map((name) => (
          <th key={name} scope="col">
            {name}
          </th>
        ))}
      </tr>
    </thead>
  );
}

interface TableProps {
  readonly answer: Answer;
  readonly cards: readonly Card[];
}

/** One row per segment: its means. */
function SegmentTable({ answer, cards }: TableProps) {
  return (
    <table>
      <Head columns={COPY.chart.summaryColumns} />
      <tbody>
        {cards.map((card) => {
          const mean = meanShares(answer.steps, { from: card.fromStep, to: card.toStep - 1 });
          const images = answer.steps
            .slice(card.fromStep, card.toStep)
            .map((step) => step.shares?.image ?? 0);
          return (
            <tr key={card.start}>
              <th scope="row">{COPY.segments[card.kind]}</th>
              <td>{`${card.fromStep + 1}–${card.toStep}`}</td>
              <td>{mean === null ? COPY.chart.unrecorded : percent(mean.image)}</td>
              <td>{mean === null ? COPY.chart.unrecorded : percent(Math.max(...images))}</td>
              <td>{mean === null ? COPY.chart.unrecorded : percent(mean.query)}</td>
              <td>{mean === null ? COPY.chart.unrecorded : percent(mean.generated)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** One row per step. */
function StepTable({ answer, cards }: TableProps) {
  const cell = (value: number | undefined) => value?.toFixed(3) ?? COPY.chart.unrecorded;
  return (
    <table>
      <Head columns={COPY.chart.columns} />
      <tbody>
        {answer.steps.map((step, i) => {
          const card = cards[cardOfStep(cards, i)];
          return (
            <tr key={step.start + i}>
              <th scope="row">{i + 1}</th>
              <td class="mono">{step.text.trim()}</td>
              <td>{card ? COPY.segments[card.kind] : ''}</td>
              <td>{cell(step.shares?.image)}</td>
              <td>{cell(step.shares?.query)}</td>
              <td>{cell(step.shares?.generated)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Tables() {
  const look = useLook();
  const { answer } = look.session.value;
  if (answer === null) return null;
  const cards = look.cards.value;
  return (
    <>
      <SegmentTable answer={answer} cards={cards} />
      <StepTable answer={answer} cards={cards} />
    </>
  );
}

/** The table, built when opened and not while tokens arrive. */
function SharesTable() {
  const look = useLook();
  const open = useSignal(false);
  const idle = useComputed(() => look.session.value.answer !== null && !isOpen(look.session.value.answer));
  if (!idle.value) return null;
  return (
    <details
      class="shares-table"
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary>{COPY.chart.rows}</summary>
      <section
        class="table-scroll"
        aria-label={COPY.chart.rows}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
      >
        {open.value && <Tables />}
      </section>
    </details>
  );
}

/** The chart panel. */
export function ChartPanel() {
  const look = useLook();
  const none = useComputed(() => look.readout.value === null);
  return (
    <section class="panel chart-panel" aria-labelledby="chart-title" data-earlier={useEarlier().value ?? ''}>
      <header class="panel-head">
        <h2 id="chart-title">{COPY.chart.title}</h2>
        <Sentence />
        <details class="about">
          <summary>
            <Icon name="info" /> {COPY.chart.about}
          </summary>
          <div class="about-text">
            <p>{COPY.chart.definition}</p>
            <p>{COPY.chart.caveat}</p>
            <p class="hint">{COPY.chart.source}</p>
          </div>
        </details>
      </header>
      {none.value && <p class="hint">{COPY.chart.empty}</p>}
      <Chart />
      <SharesTable />
    </section>
  );
}
