// Draws the curves of the shown run, or of the runs that are compared: the charts that matter, the others folded, how they
// are smoothed, and the step that all of them are read at.

import { type ReadonlySignal, type Signal, useComputed, useSignal } from '@preact/signals';
import { useMemo, useRef } from 'preact/hooks';
import type { ShownRun } from '../../state/train_run';
import { ComparedRuns } from './compared_runs';
import { CurveFigure, type CurveSetting } from './curve_figure';
import {
  type DrawnLine,
  lastStepShown,
  linesOfRun,
  linesOfRuns,
  type NamedSeries,
  nearestStep,
  newestStep,
  RUN_LOOKS,
} from './curve_lines';
import { type CurveChart, comparedCurves, curvesOf } from './curves';
import { NO_SERIES, type RunSeries, SeriesReader } from './run_series';
import { useCompare, usePlan, useShown } from './train_context';
import { RUN_LETTERS, TRAIN_COPY } from './train_copy';
import '../styles/compared_runs.css';

const WORDS = TRAIN_COPY.curves;
/** Steps of the means that can be chosen; 1 draws the measured values alone. */
const WINDOWS = [1, 5, 20, 100];

/** The runs that are drawn: the compared ones, or the shown one alone, which then has no letter. */
function useDrawnRuns(): ReadonlySignal<readonly NamedSeries[]> {
  const shown = useShown();
  const compare = useCompare();
  /** What was read of the runs is kept for the next step. */
  const readers = useRef<ReadonlyMap<string, SeriesReader>>(new Map());
  return useComputed(() => {
    const used = new Map<string, SeriesReader>();
    const read = (id: string, record: ShownRun | null): RunSeries => {
      if (record === null) return NO_SERIES;
      const reader = readers.current.get(id) ?? new SeriesReader();
      used.set(id, reader);
      return reader.read(record);
    };
    const compared = compare.runs.value;
    const { value: alone } = shown.record;
    const id = alone?.runId ?? '';
    const drawn = compared.map(
      ({ summary, record }, i): NamedSeries => ({
        ...{ id: summary.id, label: RUN_LETTERS[i] ?? '', look: RUN_LOOKS[i] ?? 'first' },
        series: read(summary.id, record),
      }),
    );
    if (drawn.length === 0) drawn.push({ id, label: '', look: 'first', series: read(id, alone) });
    readers.current = used;
    return drawn;
  });
}

function Smoothing({ window }: { readonly window: Signal<number> }) {
  return (
    <label class="check" title={WORDS.smoothWhy}>
      {WORDS.smooth}
      <select
        data-testid="smooth"
        value={String(window.value)}
        onChange={(event) => {
          window.value = Number(event.currentTarget.value);
        }}
      >
        {WINDOWS.map((steps) => (
          <option key={steps} value={String(steps)}>
            {WORDS.smoothSteps(steps)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Moves the step that all charts are read at, as the pointer over any of them does. */
function StepReader({
  runs,
  hovered,
}: {
  readonly runs: ReadonlySignal<readonly NamedSeries[]>;
  readonly hovered: Signal<number | null>;
}) {
  const lines = runs.value.map(({ series }) => ({ run: series }));
  const last = newestStep(lines);
  const first = Math.min(...lines.flatMap(({ run }) => run.steps[0] ?? []));
  if (last === null || last === first) return null;
  const step = hovered.value ?? last;
  return (
    <label class="check step-reader">
      {WORDS.readAt}
      <input
        type="range"
        data-testid="read-at"
        min={first}
        max={last}
        value={step}
        aria-valuetext={hovered.value === null ? WORDS.newest : `${WORDS.xAxis} ${step}`}
        onInput={(event) => {
          const chosen = nearestStep(lines, Number(event.currentTarget.value));
          hovered.value = chosen === last ? null : chosen;
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') hovered.value = null;
        }}
      />
      <output>{hovered.value === null ? WORDS.newest : step}</output>
    </label>
  );
}

/** What the charts draw, as of now. */
function useDrawing() {
  const shown = useShown();
  const compare = useCompare();
  const form = usePlan();
  const runs = useDrawnRuns();
  const compared = useComputed(() => compare.runs.value.length > 0);
  /** The plans whose axes are drawn: the runs', or before there is one, the form's. */
  const plans = useComputed(() =>
    compared.value
      ? compare.runs.value.map(({ summary }) => summary.plan)
      : [shown.selected.value?.plan ?? form.plan.value],
  );
  const lastStep = useComputed(() =>
    Math.max(
      ...plans.value.map(({ maxSteps }, i) =>
        lastStepShown(runs.value[i]?.series.steps.at(-1) ?? 0, maxSteps),
      ),
    ),
  );
  const methods = useComputed(() => plans.value.map(({ method }) => method));
  const names = useComputed(() => [...new Set(runs.value.flatMap(({ series }) => series.names))]);
  // Charts are chosen again only when other metrics arrive, or other runs.
  const kind = useComputed(() =>
    [compared.value, ...methods.value, ...runs.value.map(({ id }) => id), ...names.value].join(' '),
  );
  const set = useMemo(
    () =>
      compared.peek()
        ? comparedCurves(methods.peek(), names.peek())
        : curvesOf(methods.peek()[0] ?? 'sft', names.peek()),
    [kind.value],
  );
  const count = useComputed(() => runs.value.length);
  const linesOf = (chart: CurveChart): readonly DrawnLine[] =>
    compared.value ? linesOfRuns(chart, runs.value) : linesOfRun(chart, runs.value[0]?.series ?? NO_SERIES);
  return { runs, count, compared, lastStep, set, linesOf };
}

/** The curves panel; empty charts show where their lines will be. */
export function CurvesPanel() {
  const hovered = useSignal<number | null>(null);
  const window = useSignal(1);
  const moreOpen = useSignal(false);
  const { runs, count, compared, lastStep, set, linesOf } = useDrawing();
  const setting: CurveSetting = {
    ...{ lastStep, hovered },
    ...{ window: window.value, compared: compared.value },
  };
  const kind = compared.value ? 'compared' : 'one';
  const draw = (chart: CurveChart) => (
    <CurveFigure key={`${kind} ${chart.id}`} chart={chart} linesOf={linesOf} {...setting} />
  );
  return (
    <section class="panel curves-panel" aria-labelledby="curves-title">
      <header class="panel-head">
        <h2 id="curves-title">{compared.value ? WORDS.comparedTitle(count.value) : WORDS.title}</h2>
        <StepReader runs={runs} hovered={hovered} />
        <Smoothing window={window} />
      </header>
      {compared.value && <ComparedRuns />}
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
