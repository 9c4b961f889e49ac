// Charts a comparison: the share of attention on the image of both answers, on one scale, with its legend in words,
// its sentence and its table. Shares are drawn from 0 to 1 and step by step as recorded; what is not recorded is a
// gap.

import { useComputed, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { percent } from '../../state/attention_view';
import { type Comparison, compareColumns, readSide, type Side, type SideReading } from '../../state/compare';
import type { Look } from '../../state/look';
import { backBands, layoutCards, type StepRange } from '../../state/segment_layout';
import type { Answer } from '../../state/session';
import { COPY } from '../copy';
import { Icon } from '../icons';
import { COMPARE_COPY, compareSentence, ratioText } from '../look/compare_copy';
import { useEarlier } from '../look/earlier_mark';
import { useLook } from '../look/look_context';
import { theme, themeColour } from '../theme';
import { StepChart } from './step_chart';
import { type ChartCallbacks, drawShownSteps, pointAtSteps } from './step_pointer';
import '../styles/chart.css';

const HEIGHT = 178;
const MIN_STEPS = 24;
/** Fraction of the height that the base's bands take, at the bottom; the adapter's take the rest. */
const BASE_BAND = 0.12;

interface Drawn {
  readonly base: Answer | null;
  readonly adapter: Answer | null;
  /** The side that picture and selection are about. */
  readonly side: Side;
  /** Steps of that side that are shown, and whether they follow the newest one. */
  readonly shown: StepRange | null;
  readonly live: boolean;
}

const NOTHING: Drawn = { base: null, adapter: null, side: 'base', shown: null, live: true };

function bandsOf(answer: Answer | null): readonly StepRange[] {
  return answer === null ? [] : backBands(layoutCards(answer));
}

class CompareChart {
  private readonly chart: StepChart;
  private drawn: Drawn = NOTHING;

  constructor(root: HTMLElement, callbacks: ChartCallbacks) {
    this.chart = new StepChart(root, {
      ...{ height: HEIGHT, leastWidth: 200, padding: [8, 16, 0, 4] },
      xAxis: { label: COMPARE_COPY.xAxis, labelSize: 18, size: 26 },
      yAxis: { label: COMPARE_COPY.yAxis, labelSize: 18, size: 36, splits: [0, 0.25, 0.5, 0.75, 1] },
      lines: [
        { colour: '--ink', width: 1.5, dash: [7, 4] },
        { colour: '--accent', width: 2, dash: [] },
      ],
      data: () => {
        const columns = compareColumns(this.drawn.base, this.drawn.adapter);
        return { columns, lastStep: Math.max(MIN_STEPS, columns[0].length), y: [0, 1] };
      },
      below: () => this.drawBands(),
      above: () => drawShownSteps(this.chart.plot, this.drawn.shown, this.drawn.live),
    });
    pointAtSteps(this.chart.plot, () => this.drawn[this.drawn.side]?.steps.length ?? 0, callbacks);
  }

  /** Takes the newest answers; drawn in the next frame. */
  update(drawn: Drawn): void {
    const stale = drawn.base !== this.drawn.base || drawn.adapter !== this.drawn.adapter;
    this.drawn = drawn;
    this.chart.draw(stale);
  }

  destroy(): void {
    this.chart.destroy();
  }

  /** Draws again with the colours of the present theme. */
  recolour(): void {
    this.chart.draw(true);
  }

  private drawBands(): void {
    const { plot } = this.chart;
    const { ctx, bbox } = plot;
    const edge = bbox.top + bbox.height * (1 - BASE_BAND);
    const fill = (bands: readonly StepRange[], colour: string, top: number, bottom: number) => {
      ctx.fillStyle = themeColour(colour);
      for (const band of bands) {
        const left = plot.valToPos(band.from + 0.5, 'x', true);
        const right = plot.valToPos(band.to + 1.5, 'x', true);
        ctx.fillRect(left, top, right - left, bottom - top);
      }
    };
    ctx.save();
    fill(bandsOf(this.drawn.adapter), '--accent-wash', bbox.top, edge);
    fill(bandsOf(this.drawn.base), '--select-wash', edge, bbox.top + bbox.height);
    ctx.restore();
  }
}

/** What the chart, the sentence and the table say; all of them read this. */
function readingOf(look: Look) {
  const shown: Comparison | null = look.comparison.value;
  const read = (answer: Answer | null | undefined): SideReading | null => (answer ? readSide(answer) : null);
  const label = shown === null ? '' : COPY.adapter.withStrength(shown.choice.name, shown.choice.strength);
  const base = read(shown?.base);
  const adapter = read(shown?.adapter);
  return {
    label,
    model: shown?.base?.modelLabel ?? '',
    rows: [
      { key: 'base', label: COMPARE_COPY.base, reading: base },
      { key: 'adapter', label, reading: adapter },
    ] as const,
    sentence: compareSentence(base, { label, reading: adapter }),
  };
}

function resultWords({ boxed, right }: SideReading): string {
  const answer = boxed ?? COMPARE_COPY.none;
  if (right === null) return answer;
  return `${answer} (${right ? COMPARE_COPY.right : COMPARE_COPY.wrong})`;
}

function Figures({ rows }: { readonly rows: ReturnType<typeof readingOf>['rows'] }) {
  const share = (value: number | null) => (value === null ? COMPARE_COPY.none : percent(value));
  return (
    <table class="compare-figures">
      <caption class="visually-hidden">{COMPARE_COPY.table}</caption>
      <thead>
        <tr>
          {COMPARE_COPY.columns.map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, label, reading }) =>
          reading === null ? null : (
            <tr key={key} data-side={key}>
              <th scope="row">{label}</th>
              <td>{resultWords(reading)}</td>
              <td>{share(reading.back)}</td>
              <td>{share(reading.lateThink)}</td>
              <td>{ratioText(reading) ?? COMPARE_COPY.none}</td>
            </tr>
          ),
        )}
      </tbody>
    </table>
  );
}

/** What the chart shows of the page now. */
function drawnOf(look: Look): Drawn {
  const pair = look.comparison.value;
  if (pair === null) return NOTHING;
  const live = look.selection.value.kind === 'live' && look.preview.value === null;
  return { base: pair.base, adapter: pair.adapter, side: pair.shown, shown: look.shown.value, live };
}

function Plot({ label }: { readonly label: string }) {
  const look = useLook();
  const root = useRef<HTMLDivElement>(null);
  const view = useRef<CompareChart | null>(null);
  useEffect(() => {
    if (root.current === null) return;
    const { setPreview: hover, pin, pinRange } = look;
    const made = new CompareChart(root.current, { hover, pin, pinRange });
    view.current = made;
    made.update(drawnOf(look));
    return () => made.destroy();
  }, [look]);
  useSignalEffect(() => {
    view.current?.update(drawnOf(look));
  });
  useSignalEffect(() => {
    if (theme.value) view.current?.recolour();
  });
  const range = useComputed(() => look.readout.value?.range ?? null);
  return (
    <div
      class="chart"
      role="img"
      aria-label={label}
      data-testid="compare-chart"
      data-side={look.comparison.value?.shown ?? ''}
      data-from={range.value?.from ?? ''}
      data-to={range.value?.to ?? ''}
    >
      <div ref={root} class="chart-root" />
    </div>
  );
}

/** The sentence of the shown steps, on the side that they are of. */
function ShownSteps() {
  const look = useLook();
  const { readout, selection, comparison } = look;
  const live = selection.value.kind === 'live';
  const pair = comparison.value;
  const side = pair?.shown === 'base' ? COMPARE_COPY.base : pair?.choice.name;
  // Its place is kept before the first step.
  return (
    <p class="hint compare-steps" data-testid="compare-steps">
      {pair !== null && readout.value !== null && `${side}: ${readout.value.sentence}`}{' '}
      {!live && (
        <button type="button" class="quiet small" onClick={look.toLive}>
          {COPY.chart.toLive}
        </button>
      )}
    </p>
  );
}

/** The chart panel while comparing. */
export function CompareChartPanel() {
  const look = useLook();
  const said = useComputed(() => readingOf(look));
  const { label, model, rows, sentence } = said.value;
  const none = rows[0].reading === null;
  return (
    <section
      class="panel chart-panel"
      aria-labelledby="compare-chart-title"
      data-earlier={useEarlier().value ?? ''}
    >
      <header class="panel-head">
        <h2 id="compare-chart-title">{COMPARE_COPY.chartTitle}</h2>
        <p class="sentence" data-testid="compare-sentence">
          {none ? COMPARE_COPY.chartEmpty : sentence}
        </p>
        <details class="about">
          <summary>
            <Icon name="info" /> {COMPARE_COPY.about}
          </summary>
          <div class="about-text">
            <p>{COMPARE_COPY.definition}</p>
            <p>{COPY.chart.caveat}</p>
            <p class="hint">{COPY.chart.source}</p>
          </div>
        </details>
      </header>
      {!none && (
        <ul class="legend">
          <li class="legend-base">{COMPARE_COPY.legendBase(model)}</li>
          <li class="legend-adapter">{COMPARE_COPY.legendAdapter(label)}</li>
          <li class="hint">{COMPARE_COPY.bands}</li>
        </ul>
      )}
      <ShownSteps />
      <Plot label={`${COMPARE_COPY.chartLabel}. ${none ? COMPARE_COPY.chartEmpty : sentence}`} />
      {!none && <Figures rows={rows} />}
    </section>
  );
}
