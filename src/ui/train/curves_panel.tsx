// Draws the curves of the shown run: the charts that matter, the others folded, each with its definition, values and
// table. Whatever a chart shows, its text shows too.

import { type ReadonlySignal, type Signal, useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { RunSummary, StepMetrics, TrainingPlan } from '../../worker/protocol/training';
import { CurveView } from '../chart/curves_chart';
import { theme } from '../theme';
import {
  type CurveChart,
  type CurveLine,
  curveChange,
  curveColumns,
  curveSentence,
  curvesOf,
  SMOOTH_STEPS,
  valuesAt,
  withEvaluations,
} from './curves';
import { metricText } from './figures_text';
import { usePlan, useShown } from './train_context';
import { TRAIN_COPY } from './train_copy';

const WORDS = TRAIN_COPY.curves;
/** Rows of a table; the exported file has all. */
const MAX_ROWS = 300;

interface CurveProps {
  readonly chart: CurveChart;
  readonly metrics: ReadonlySignal<readonly StepMetrics[]>;
  readonly hovered: Signal<number | null>;
  readonly smooth: boolean;
}

/** The plan whose axes are drawn: the run's, or before there is one, the form's. */
function shownPlan(run: RunSummary | null, form: TrainingPlan): TrainingPlan {
  return run?.plan ?? form;
}

function LineKey({ look }: { readonly look: CurveLine['look'] }) {
  return (
    <svg class={`line-key line-${look}`} viewBox="0 0 22 8" aria-hidden="true" focusable="false">
      <line x1="1" y1="4" x2="21" y2="4" />
    </svg>
  );
}

/** Names the lines, with the values of the step that is pointed at, or else the newest. */
function Legend({ chart, metrics, hovered }: Pick<CurveProps, 'chart' | 'metrics' | 'hovered'>) {
  const step = hovered.value ?? metrics.value.at(-1)?.step ?? 0;
  const values = valuesAt(chart, metrics.value, step);
  return (
    <ul class="legend">
      {chart.lines.map(({ metric, label, look }, i) => (
        <li key={metric} data-metric={metric}>
          <LineKey look={look} /> {label} <b>{metricText(values[i], chart.unit)}</b>
        </li>
      ))}
      {hovered.value !== null && <li class="hint">{`${WORDS.xAxis} ${step}`}</li>}
    </ul>
  );
}

function Canvas({ chart, metrics, hovered, smooth }: CurveProps) {
  const shown = useShown();
  const form = usePlan();
  const root = useRef<HTMLDivElement>(null);
  const view = useRef<CurveView | null>(null);
  const lines = chart.lines.map(({ metric }) => metric).join(' ');
  useEffect(() => {
    if (root.current === null) return;
    const made = new CurveView(root.current, chart, smooth, (step) => {
      hovered.value = step;
    });
    view.current = made;
    made.update(metrics.peek(), shownPlan(shown.selected.peek(), form.plan.peek()).maxSteps, hovered.peek());
    return () => made.destroy();
    // A chart is the same as long as its lines are: rebuilding it per step would cost more than drawing it.
  }, [shown, form, hovered, smooth, lines]);
  useSignalEffect(() => {
    view.current?.update(
      metrics.value,
      shownPlan(shown.selected.value, form.plan.value).maxSteps,
      hovered.value,
    );
  });
  useSignalEffect(() => {
    if (theme.value) view.current?.recolour();
  });
  return (
    <div
      class="curve-canvas"
      role="img"
      aria-label={`${chart.title}. ${curveSentence(chart, metrics.value)}`}
      data-steps={metrics.value.length}
    >
      <div ref={root} class="curve-root" />
    </div>
  );
}

function Rows({ chart, metrics }: { readonly chart: CurveChart; readonly metrics: readonly StepMetrics[] }) {
  const shown = metrics.slice(-MAX_ROWS);
  const [steps, ...columns] = curveColumns(chart, shown, false);
  return (
    <>
      {shown.length < metrics.length && <p class="hint">{WORDS.lastRows(shown.length, metrics.length)}</p>}
      <table>
        <thead>
          <tr>
            <th scope="col">{WORDS.step}</th>
            {chart.lines.map(({ metric, label }) => (
              <th key={metric} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {steps.map((step, row) => (
            <tr key={step}>
              <th scope="row">{step}</th>
              {columns.map((column, i) => (
                <td key={chart.lines[i]?.metric}>{metricText(column[row], chart.unit)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** The table, built only while it is open. */
function ValuesTable({ chart, metrics }: Pick<CurveProps, 'chart' | 'metrics'>) {
  const open = useSignal(false);
  return (
    <details
      class="curve-table"
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary>{WORDS.table}</summary>
      {open.value && (
        <section
          class="table-scroll"
          aria-label={`${chart.title}: ${WORDS.table}`}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
          tabIndex={0}
        >
          <Rows chart={chart} metrics={metrics.value} />
        </section>
      )}
    </details>
  );
}

function Curve({ chart, metrics, hovered, smooth }: CurveProps) {
  return (
    <figure class="curve" data-chart={chart.id}>
      <figcaption>
        <h3>{chart.title}</h3>
        <p class="hint">{chart.definition}</p>
      </figcaption>
      <Legend chart={chart} metrics={metrics} hovered={hovered} />
      <Canvas chart={chart} metrics={metrics} hovered={hovered} smooth={smooth} />
      <div>
        <p class="hint">{metrics.value.length === 0 ? WORDS.none : curveChange(chart, metrics.value)}</p>
        <ValuesTable chart={chart} metrics={metrics} />
      </div>
    </figure>
  );
}

/** The curves panel; empty charts show where their lines will be. */
export function CurvesPanel() {
  const shown = useShown();
  const form = usePlan();
  const hovered = useSignal<number | null>(null);
  const smooth = useSignal(false);
  const moreOpen = useSignal(false);
  const method = useComputed(() => shownPlan(shown.selected.value, form.plan.value).method);
  const metrics = useComputed(() => (shown.record.value === null ? [] : withEvaluations(shown.record.value)));
  const names = useComputed(() => Object.keys(metrics.value.at(-1)?.values ?? {}).join(' '));
  // Charts are chosen again only when other metrics arrive.
  const set = useMemo(
    () => curvesOf(method.value, metrics.peek()),
    [method.value, names.value, shown.record.value?.runId],
  );
  const draw = (chart: CurveChart) => (
    <Curve key={chart.id} chart={chart} metrics={metrics} hovered={hovered} smooth={smooth.value} />
  );
  return (
    <section class="panel curves-panel" aria-labelledby="curves-title">
      <header class="panel-head">
        <h2 id="curves-title">{WORDS.title}</h2>
        <label class="check" title={WORDS.smoothWhy}>
          <input
            type="checkbox"
            data-testid="smooth"
            checked={smooth.value}
            onChange={(event) => {
              smooth.value = event.currentTarget.checked;
            }}
          />
          {WORDS.smooth(SMOOTH_STEPS)}
        </label>
      </header>
      <div class="curve-grid">{set.hero.map(draw)}</div>
      {set.more.length > 0 && (
        <details
          class="curves-more"
          onToggle={(event) => {
            if (event.target === event.currentTarget) moreOpen.value = event.currentTarget.open;
          }}
        >
          <summary>{WORDS.more}</summary>
          {moreOpen.value && <div class="curve-grid">{set.more.map(draw)}</div>}
        </details>
      )}
    </section>
  );
}
