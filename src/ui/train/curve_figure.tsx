// Draws one chart of the Train page, of one run or of several: its definition, its legend with the values of the step that is
// pointed at, the drawing, and the same as words and as a table.

import { computed, type ReadonlySignal, type Signal, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { CurveView } from '../chart/curves_chart';
import { theme } from '../theme';
import {
  comparedSentence,
  curveChange,
  curveSentence,
  type DrawnLine,
  type LineLook,
  lastRows,
  newestStep,
  valuesAt,
} from './curve_lines';
import type { CurveChart } from './curves';
import { metricText } from './figures_text';
import { TRAIN_COPY } from './train_copy';

const WORDS = TRAIN_COPY.curves;
/** Rows of a table; the exported file has all. */
const MAX_ROWS = 300;

/** How all charts of the page are drawn at present. */
export interface CurveSetting {
  /** Step at the right end of the x axis. */
  readonly lastStep: ReadonlySignal<number>;
  /** The step that is pointed at; null while none is. */
  readonly hovered: Signal<number | null>;
  /** Steps of the means; 1 for none. */
  readonly window: number;
  /** True while the lines are runs that are compared. */
  readonly compared: boolean;
}

interface FigureProps extends CurveSetting {
  readonly chart: CurveChart;
  readonly lines: ReadonlySignal<readonly DrawnLine[]>;
}

/** A short stretch of a line as it is drawn. */
export function LineKey({ look }: { readonly look: LineLook }) {
  return (
    <svg class={`line-key line-${look}`} viewBox="0 0 22 8" aria-hidden="true" focusable="false">
      <line x1="1" y1="4" x2="21" y2="4" />
    </svg>
  );
}

/** Names the lines, with the values of the step that is pointed at, or else the newest. */
function Legend({ chart, lines, hovered }: Pick<FigureProps, 'chart' | 'lines' | 'hovered'>) {
  const step = hovered.value;
  const values = valuesAt(lines.value, step);
  return (
    <ul class="legend">
      {lines.value.map(({ id, label, look }, i) => (
        <li key={id} data-metric={id}>
          <LineKey look={look} /> {label} <b>{metricText(values[i], chart.unit)}</b>
        </li>
      ))}
      {step !== null && <li class="hint">{`${WORDS.xAxis} ${step}`}</li>}
    </ul>
  );
}

function Canvas({ chart, lines, lastStep, hovered, window, compared }: FigureProps) {
  const root = useRef<HTMLDivElement>(null);
  const view = useRef<CurveView | null>(null);
  const looks = lines.value.map(({ id, look }) => `${look} ${id}`).join(' ');
  const { unit, range } = chart;
  useEffect(() => {
    if (root.current === null) return;
    const made = new CurveView(
      root.current,
      {
        ...{ unit, range, window },
        onHover: (step) => {
          hovered.value = step;
        },
      },
      { lines: lines.peek(), lastStep: lastStep.peek(), hovered: hovered.peek() },
    );
    view.current = made;
    return () => made.destroy();
    // A chart is the same as long as its lines are: rebuilding it per step would cost more than drawing it.
  }, [lines, lastStep, hovered, window, looks, unit, range]);
  useSignalEffect(() => {
    view.current?.update({ lines: lines.value, lastStep: lastStep.value, hovered: hovered.value });
  });
  useSignalEffect(() => {
    if (theme.value) view.current?.recolour();
  });
  const sentence = (compared ? comparedSentence : curveSentence)(lines.value, unit);
  return (
    <div
      class="curve-canvas"
      role="img"
      aria-label={`${chart.title}. ${sentence}`}
      data-steps={lines.value[0]?.run.steps.length ?? 0}
    >
      <div ref={root} class="curve-root" />
    </div>
  );
}

function Rows({ chart, lines }: { readonly chart: CurveChart; readonly lines: readonly DrawnLine[] }) {
  const { rows, all } = lastRows(lines, MAX_ROWS);
  return (
    <>
      {rows.length < all && <p class="hint">{WORDS.lastRows(rows.length, all)}</p>}
      <table>
        <thead>
          <tr>
            <th scope="col">{WORDS.step}</th>
            {lines.map(({ id, label }) => (
              <th key={id} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ step, values }) => (
            <tr key={step}>
              <th scope="row">{step}</th>
              {values.map((value, i) => (
                <td key={lines[i]?.id}>{metricText(value, chart.unit)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** The table, built only while it is open. */
function ValuesTable({ chart, lines }: Pick<FigureProps, 'chart' | 'lines'>) {
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
          <Rows chart={chart} lines={lines.value} />
        </section>
      )}
    </details>
  );
}

/** What a chart says of itself below the drawing. */
function Words({ chart, lines, compared }: Pick<FigureProps, 'chart' | 'lines' | 'compared'>) {
  const nothing = newestStep(lines.value) === null;
  const change = compared ? '' : curveChange(lines.value, chart.unit);
  return <p class="hint">{nothing ? WORDS.none : change}</p>;
}

/** A chart with everything that tells what it shows. `linesOf` reads signals: the chart follows them. */
export function CurveFigure({
  chart,
  linesOf,
  ...setting
}: CurveSetting & {
  readonly chart: CurveChart;
  readonly linesOf: (chart: CurveChart) => readonly DrawnLine[];
}) {
  const lines = useMemo(() => computed(() => linesOf(chart)), [chart]);
  return (
    <figure class="curve" data-chart={chart.id}>
      <figcaption>
        <h3>{chart.title}</h3>
        <p class="hint">{chart.definition}</p>
      </figcaption>
      <Legend chart={chart} lines={lines} hovered={setting.hovered} />
      <Canvas chart={chart} lines={lines} {...setting} />
      <div>
        <Words chart={chart} lines={lines} compared={setting.compared} />
        <ValuesTable chart={chart} lines={lines} />
      </div>
    </figure>
  );
}
