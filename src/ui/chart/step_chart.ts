// Draws one chart over steps with uPlot: lines, axes in the page's colours, at most one drawing per frame, as wide as
// its element. The charts of the page differ in the data that they give it, and in what they draw over it.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { themeColour } from '../theme';

/** What a chart shows when it is drawn anew. */
export interface StepData {
  /** Steps, then one column per line; null is a gap. */
  readonly columns: uPlot.AlignedData;
  /** Step at the right end of the x axis, which begins before step 1. */
  readonly lastStep: number;
  /** Ends of the y axis. */
  readonly y: readonly [low: number, high: number];
}

/** One line. */
export interface StepLine {
  /** Custom property of the theme, e.g. `--accent`. */
  readonly colour: string;
  readonly width: number;
  readonly dash: readonly number[];
  /** How much of the colour is seen; 1 by default. */
  readonly alpha?: number;
  /** A value in few steps: marked, and joined over the gaps. */
  readonly sparse?: boolean;
  /** Marks values without a neighbour, which a line would not show. */
  readonly marksLone?: boolean;
}

/** What differs between the charts. */
export interface StepChartSpec {
  /** CSS pixels. */
  readonly height: number;
  readonly leastWidth: number;
  readonly padding: [top: number, right: number, bottom: number, left: number];
  readonly xAxis: uPlot.Axis;
  readonly yAxis: uPlot.Axis;
  readonly lines: readonly StepLine[];
  /** Leaves the chart as it is while it is scrolled out of view, for pages with many. */
  readonly skipsUnseen?: boolean;
  /** Asked for once per drawing. */
  data(): StepData;
  /** Draws below the lines. */
  readonly below?: (plot: uPlot) => void;
  /** Draws over the lines. */
  readonly above?: (plot: uPlot) => void;
}

/** Distances of the marks on the x axis. */
const STEP_INCREMENTS = [1, 2, 5]
  .flatMap((lead) => [1, 10, 100, 1000, 10_000, 100_000].map((size) => lead * size))
  .sort((a, b) => a - b);
const MARK_SIZE = 6;

/** Places of values without a neighbour: a line would not show them. Undefined is a step of another line alone. */
export function lonePlaces(values: ArrayLike<number | null | undefined>): number[] {
  const lone: number[] = [];
  // The place of the last value or gap, if it is a value that had no neighbour so far.
  let alone = -1;
  let gap = true;
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (value === undefined) continue;
    if (value === null && alone >= 0) lone.push(alone);
    alone = value !== null && gap ? at : -1;
    gap = value === null;
  }
  return alone >= 0 ? [...lone, alone] : lone;
}

function seriesOf({
  colour,
  width,
  dash,
  alpha = 1,
  sparse = false,
  marksLone = false,
}: StepLine): uPlot.Series {
  const paint = () => themeColour(colour);
  return {
    ...{ stroke: paint, width, dash: [...dash], alpha, spanGaps: sparse },
    points: marksLone
      ? {
          ...{ show: sparse, size: MARK_SIZE, fill: paint },
          filter: (plot, series, show) => (show ? null : lonePlaces(plot.data[series] ?? [])),
        }
      : { show: false },
  };
}

function optionsOf(spec: StepChartSpec, width: number): uPlot.Options {
  const paint = (name: string) => () => themeColour(name);
  const { below, above } = spec;
  const axis: uPlot.Axis = {
    stroke: paint('--ink-2'),
    grid: { stroke: paint('--line'), width: 1 },
    ticks: { stroke: paint('--line'), width: 1, size: 4 },
    font: '12px system-ui, sans-serif',
    labelFont: '12px system-ui, sans-serif',
  };
  const asGiven: uPlot.Scale.Range = (_, min, max) => [min, max];
  return {
    ...{ width, height: spec.height, padding: spec.padding },
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, range: asGiven }, y: { range: asGiven } },
    axes: [
      { ...axis, incrs: STEP_INCREMENTS, ...spec.xAxis },
      { ...axis, ...spec.yAxis },
    ],
    series: [{}, ...spec.lines.map(seriesOf)],
    hooks: { drawClear: below ? [below] : [], draw: above ? [above] : [] },
  };
}

/** One chart in the element that it is given, until {@link destroy}. */
export class StepChart {
  readonly plot: uPlot;
  readonly #spec: StepChartSpec;
  readonly #observer: ResizeObserver;
  readonly #sight: IntersectionObserver | null;
  #stale = false;
  #frame = 0;
  /** False while it is out of view and need not be drawn. */
  #seen = true;
  /** Something changed while it was out of view. */
  #missed = false;

  constructor(root: HTMLElement, spec: StepChartSpec) {
    this.#spec = spec;
    const wide = () => Math.max(spec.leastWidth, Math.floor(root.clientWidth));
    this.plot = new uPlot(optionsOf(spec, wide()), [[], ...spec.lines.map(() => [])], root);
    this.#observer = new ResizeObserver(() => {
      const width = Math.floor(root.clientWidth);
      if (width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: spec.height });
    });
    this.#observer.observe(root);
    this.#sight = spec.skipsUnseen ? new IntersectionObserver((entries) => this.#look(entries)) : null;
    this.#sight?.observe(root);
  }

  /** Draws in the next frame, however often it is called before; `stale` when the data or the theme changed. */
  draw(stale: boolean): void {
    if (stale) this.#stale = true;
    if (!this.#seen) this.#missed = true;
    else if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#flush());
  }

  /** Removes everything from the page. */
  destroy(): void {
    cancelAnimationFrame(this.#frame);
    this.#observer.disconnect();
    this.#sight?.disconnect();
    this.plot.destroy();
  }

  #look(entries: readonly IntersectionObserverEntry[]): void {
    this.#seen = entries.at(-1)?.isIntersecting ?? true;
    if (!this.#seen || !this.#missed) return;
    this.#missed = false;
    this.draw(false);
  }

  #flush(): void {
    this.#frame = 0;
    if (!this.#stale) {
      this.plot.redraw(false);
      return;
    }
    this.#stale = false;
    const { columns, lastStep, y } = this.#spec.data();
    this.plot.batch(() => {
      this.plot.setData(columns, false);
      this.plot.setScale('x', { min: 0.5, max: lastStep + 0.5 });
      this.plot.setScale('y', { min: y[0], max: y[1] });
    });
  }
}
