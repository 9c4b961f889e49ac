// Draws how the attention to the picture goes, token by token, as the mean of many answers of one side or two: a chart with
// its legend in words and the same numbers as a table.

import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { theme } from '../theme';
import { StepChart, type StepLine } from './step_chart';
import '../styles/chart.css';
import { WideTable } from '../wide_table';

/** Means at places in a row; see the engine's report of an evaluation. */
export interface CurvePoints {
  readonly from: number;
  readonly step: number;
  readonly mean: readonly (number | null)[];
  readonly count: readonly number[];
}

interface CurveProps {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** What stands behind the fold of the table, and at the head of its column of counts. */
  readonly tableLabel: string;
  readonly countLabel: string;
  /** One or two, with the name of each. */
  readonly curves: readonly { readonly name: string; readonly points: CurvePoints }[];
}

const HEIGHT = 170;
const LOOKS: readonly StepLine[] = [
  { colour: '--ink', width: 1.5, dash: [7, 4] },
  { colour: '--accent', width: 2, dash: [] },
];
/** Places that fewer than this share of the answers reach are not drawn: their means say little. */
const LEAST_SHARE = 0.05;

/**
 * Columns for the chart: places from 1, and the means of each curve, null where too few answers are.
 * @returns null where no curve has a place
 */
export function curveChartColumns(
  curves: readonly CurvePoints[],
): { readonly columns: [number[], ...(number | null)[][]]; readonly top: number } | null {
  const places = Math.max(0, ...curves.map(({ mean }) => mean.length));
  if (places === 0) return null;
  const drawn = curves.map(({ mean, count }) => {
    const least = LEAST_SHARE * Math.max(0, ...count);
    return Array.from({ length: places }, (_, at) => ((count[at] ?? 0) < least ? null : (mean[at] ?? null)));
  });
  const most = Math.max(0, ...drawn.flat().map((value) => value ?? 0));
  const top = Math.min(1, Math.max(0.1, Math.ceil(most * 11) / 10));
  return { columns: [Array.from({ length: places }, (_, at) => at + 1), ...drawn], top };
}

function Plot({
  label,
  curves,
  xLabel,
  yLabel,
}: Omit<CurveProps, 'title' | 'tableLabel' | 'countLabel'> & { label: string }) {
  const root = useRef<HTMLDivElement>(null);
  const chart = useRef<StepChart | null>(null);
  const points = curves.map((curve) => curve.points);
  const newest = useRef(points);
  newest.current = points;
  const lines = curves.length;
  useEffect(() => {
    if (root.current === null) return;
    const place = (at: number): string => {
      const [first] = newest.current;
      return first === undefined ? '' : String(first.from + (at - 1) * first.step);
    };
    const made = new StepChart(root.current, {
      ...{ height: HEIGHT, leastWidth: 200, padding: [8, 12, 0, 4] },
      xAxis: { label: xLabel, labelSize: 18, size: 26, values: (_, splits) => splits.map(place) },
      yAxis: { label: yLabel, labelSize: 18, size: 40 },
      lines: lines === 1 ? LOOKS.slice(1) : LOOKS.slice(0, lines),
      data: () => {
        const found = curveChartColumns(newest.current);
        const columns = found?.columns ?? [[], ...newest.current.map(() => [])];
        return { columns, lastStep: Math.max(8, columns[0].length), y: [0, found?.top ?? 1] };
      },
    });
    chart.current = made;
    made.draw(true);
    return () => made.destroy();
  }, [xLabel, yLabel, lines]);
  // Redrawn with every view that comes: the figures change while the evaluation runs.
  useEffect(() => chart.current?.draw(true));
  useSignalEffect(() => {
    // Subscribed, as colours are read while drawing.
    void theme.value;
    chart.current?.draw(true);
  });
  return (
    <div class="chart" role="img" aria-label={label}>
      <div ref={root} class="chart-root" />
    </div>
  );
}

function Numbers({ title, curves, xLabel, tableLabel, countLabel }: Omit<CurveProps, 'yLabel'>) {
  const places = Math.max(0, ...curves.map(({ points }) => points.mean.length));
  const [first] = curves;
  return (
    <details class="curve-table">
      <summary class="hint">{tableLabel}</summary>
      <WideTable label={title}>
        <table>
          <thead>
            <tr>
              <th scope="col">{xLabel}</th>
              {curves.map(({ name }) => [
                <th key={name} scope="col">
                  {name}
                </th>,
                <th key={`${name} count`} scope="col">
                  {countLabel}
                </th>,
              ])}
            </tr>
          </thead>
          <tbody>
            {Array.from(
              { length: places },
              (_, at) => (first?.points.from ?? 0) + at * (first?.points.step ?? 1),
            ).map((place, at) => (
              <tr key={place}>
                <th scope="row">{place}</th>
                {curves.map(({ name, points }) => [
                  <td key={name}>{points.mean[at]?.toFixed(3) ?? '–'}</td>,
                  <td key={`${name} count`}>{points.count[at] ?? 0}</td>,
                ])}
              </tr>
            ))}
          </tbody>
        </table>
      </WideTable>
    </details>
  );
}

/** The chart with legend and table. */
export function AttentionCurve({ title, curves, ...words }: CurveProps) {
  const { xLabel, yLabel } = words;
  return (
    <figure class="curve-figure">
      <figcaption>{title}</figcaption>
      {curves.length > 1 && (
        <ul class="legend">
          {curves.map(({ name }, at) => (
            <li key={name} class={at === 0 ? 'legend-base' : 'legend-adapter'}>
              {name}
            </li>
          ))}
        </ul>
      )}
      <Plot
        label={`${title}: ${curves.map(({ name }) => name).join('; ')}`}
        {...{ curves, xLabel, yLabel }}
      />
      <Numbers {...{ title, curves, ...words }} />
    </figure>
  );
}
