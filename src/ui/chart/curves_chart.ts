// Draws one chart of the Train page over uPlot: lines over steps, and the step that is pointed at; the panel has
// legend and words as text. A step without a value is a gap, except in a sparse line, whose measured points are
// marked and joined.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { StepMetrics } from '../../worker/protocol/training';
import { themeColour } from '../theme';
import { type CurveChart, type CurveLine, curveColumns, lastStepShown } from '../train/curves';
import { metricText } from '../train/figures_text';
import { TRAIN_COPY } from '../train/train_copy';

const HEIGHT = 164;
const FONT = '12px system-ui, sans-serif';
const FAINT = 0.35;

interface LineStyle {
  readonly colour: string;
  readonly width: number;
  readonly dash: number[];
}

const LOOKS: Readonly<Record<CurveLine['look'], LineStyle>> = {
  first: { colour: '--ink', width: 2, dash: [] },
  second: { colour: '--ink', width: 1.5, dash: [7, 4] },
  third: { colour: '--ink-2', width: 1.75, dash: [1.5, 3.5] },
  accent: { colour: '--accent', width: 2, dash: [] },
};

/** Ends of the y axis: the chart's own, widened by the data with a little air; never of no height. */
export function axisEnds(
  range: CurveChart['range'],
  low: number | null,
  high: number | null,
): readonly [number, number] {
  const [from, to] = range ?? [low ?? 0, high ?? 1];
  const bottom = Math.min(from, low ?? from);
  const top = Math.max(to, high ?? to);
  const air = (top - bottom) * 0.06;
  if (top === bottom) return [bottom, bottom + 1];
  return [
    bottom < from || range === null ? bottom - air : bottom,
    top > to || range === null ? top + air : top,
  ];
}

/** The step nearest to a position among strictly increasing steps; null when there is none. */
export function nearestStep(metrics: readonly StepMetrics[], position: number): number | null {
  let best: number | null = null;
  for (const { step } of metrics) {
    if (best !== null && Math.abs(step - position) >= Math.abs(best - position)) break;
    best = step;
  }
  return best;
}

/** Places of values without a neighbour: a line would not show them. */
export function lonePlaces(values: ArrayLike<number | null | undefined>): number[] {
  const there = (i: number) => values[i] !== null && values[i] !== undefined;
  const places = Array.from(values, (_, i) => i);
  return places.filter((i) => there(i) && !there(i - 1) && !there(i + 1));
}

/** The island. Give it the element to fill; {@link update} may be called at any rate, it draws once per frame. */
export class CurveView {
  private readonly root: HTMLElement;
  private readonly chart: CurveChart;
  private readonly smooth: boolean;
  private readonly onHover: (step: number | null) => void;
  private readonly plot: uPlot;
  private readonly observer: ResizeObserver;
  private metrics: readonly StepMetrics[] = [];
  private maxSteps = 1;
  private hovered: number | null = null;
  private stale = false;
  private frame = 0;

  constructor(root: HTMLElement, chart: CurveChart, smooth: boolean, onHover: (step: number | null) => void) {
    this.root = root;
    this.chart = chart;
    this.smooth = smooth;
    this.onHover = onHover;
    this.plot = new uPlot(this.options(), curveColumns(chart, [], smooth), root);
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(root);
    this.plot.over.addEventListener('pointermove', this.onMove);
    this.plot.over.addEventListener('pointerleave', this.onLeave);
  }

  /** Takes the newest state; drawn in the next frame. */
  update(metrics: readonly StepMetrics[], maxSteps: number, hovered: number | null): void {
    if (metrics !== this.metrics || maxSteps !== this.maxSteps) this.stale = true;
    this.metrics = metrics;
    this.maxSteps = maxSteps;
    this.hovered = hovered;
    this.schedule();
  }

  /** Draws again with the colours of the present theme. */
  recolour(): void {
    this.stale = true;
    this.schedule();
  }

  /** Removes everything from the page. */
  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
    this.plot.destroy();
  }

  private schedule(): void {
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.flush());
  }

  private flush(): void {
    this.frame = 0;
    if (!this.stale) {
      this.plot.redraw(false);
      return;
    }
    this.stale = false;
    const columns = curveColumns(this.chart, this.metrics, this.smooth);
    let low: number | null = null;
    let high: number | null = null;
    for (const column of columns.slice(1)) {
      for (const value of column) {
        if (value === null) continue;
        low = low === null ? value : Math.min(low, value);
        high = high === null ? value : Math.max(high, value);
      }
    }
    const [min, max] = axisEnds(this.chart.range, low, high);
    this.plot.batch(() => {
      this.plot.setData(columns, false);
      this.plot.setScale('x', {
        min: 0.5,
        max: lastStepShown(this.metrics.at(-1)?.step ?? 0, this.maxSteps) + 0.5,
      });
      this.plot.setScale('y', { min, max });
    });
  }

  private resize(): void {
    const width = Math.floor(this.root.clientWidth);
    if (width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }

  private series(line: CurveLine, alpha: number): uPlot.Series {
    const { colour, width, dash } = LOOKS[line.look];
    return {
      stroke: () => themeColour(colour),
      width,
      dash,
      alpha,
      points: {
        show: line.sparse === true,
        size: 6,
        fill: () => themeColour(colour),
        filter: (plot, series, show) => (show ? null : lonePlaces(plot.data[series] ?? [])),
      },
      spanGaps: line.sparse === true,
    };
  }

  private options(): uPlot.Options {
    const { unit, lines } = this.chart;
    const axis: uPlot.Axis = {
      stroke: () => themeColour('--ink-2'),
      grid: { stroke: () => themeColour('--line'), width: 1 },
      ticks: { stroke: () => themeColour('--line'), width: 1, size: 4 },
      font: FONT,
    };
    const raw = lines.map((line) => this.series(line, this.smooth ? FAINT : 1));
    // A mean needs no marks: the faint line below has them.
    const means = this.smooth
      ? lines.map((line) => ({ ...this.series(line, 1), points: { show: false } }))
      : [];
    return {
      width: Math.max(160, Math.floor(this.root.clientWidth)),
      height: HEIGHT,
      padding: [8, 10, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: (_, min, max) => [min, max] },
        y: { range: (_, min, max) => [min, max] },
      },
      axes: [
        {
          ...axis,
          label: TRAIN_COPY.curves.xAxis,
          labelFont: FONT,
          labelSize: 14,
          labelGap: -2,
          size: 22,
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000],
        },
        {
          ...axis,
          size: unit === 'tiny' || unit === 'seconds' ? 58 : 46,
          space: 32,
          values: (_, splits) => splits.map((value) => this.tick(value)),
        },
      ],
      series: [{}, ...raw, ...means],
      hooks: { draw: [() => this.drawHovered()] },
    };
  }

  private tick(value: number): string {
    const { unit } = this.chart;
    if (value === 0) return '0';
    if (unit === 'share') return `${Number((value * 100).toPrecision(3))} %`;
    if (unit === 'tokens' && value >= 10_000) return `${Number((value / 1000).toPrecision(3))}k`;
    return unit === 'number' ? String(Number(value.toPrecision(3))) : metricText(value, unit);
  }

  private drawHovered(): void {
    if (this.hovered === null) return;
    const { ctx, bbox } = this.plot;
    const x = this.plot.valToPos(this.hovered, 'x', true);
    ctx.save();
    ctx.strokeStyle = themeColour('--ink-2');
    ctx.lineWidth = uPlot.pxRatio;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  }

  private readonly onMove = (event: PointerEvent): void => {
    const left = event.clientX - this.plot.over.getBoundingClientRect().left;
    this.onHover(nearestStep(this.metrics, this.plot.posToVal(left, 'x')));
  };

  private readonly onLeave = (): void => this.onHover(null);
}
