// Draws one chart of the Train page over uPlot: lines over steps, and the step that is pointed at; the panel has
// legend and words as text. A step without a value is a gap, except in a sparse line, whose measured points are
// marked and joined.

import uPlot from 'uplot';
import type { StepMetrics } from '../../worker/protocol/training';
import { themeColour } from '../theme';
import { type CurveChart, type CurveLine, curveColumns, lastStepShown } from '../train/curves';
import { metricText } from '../train/figures_text';
import { TRAIN_COPY } from '../train/train_copy';
import { StepChart, type StepData, type StepLine } from './step_chart';

const HEIGHT = 164;
const FAINT = 0.35;

const LOOKS: Readonly<Record<CurveLine['look'], Pick<StepLine, 'colour' | 'width' | 'dash'>>> = {
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

/** Lines of a chart: those of the measured values, faint below their means when they are smoothed. */
function linesOf({ lines }: CurveChart, smooth: boolean): StepLine[] {
  const raw = lines.map(({ look, sparse }): StepLine => {
    const marks = { sparse: sparse === true, marksLone: true };
    return { ...LOOKS[look], ...marks, alpha: smooth ? FAINT : 1 };
  });
  // A mean needs no marks: the faint line below has them.
  const means = lines.map(({ look, sparse }): StepLine => ({ ...LOOKS[look], sparse: sparse === true }));
  return smooth ? [...raw, ...means] : raw;
}

/** Smallest and largest value of the lines; null where there is none. */
function extremes(columns: uPlot.AlignedData): readonly [low: number | null, high: number | null] {
  let low: number | null = null;
  let high: number | null = null;
  for (const column of columns.slice(1)) {
    for (const value of column) {
      if (value === null || value === undefined) continue;
      low = low === null ? value : Math.min(low, value);
      high = high === null ? value : Math.max(high, value);
    }
  }
  return [low, high];
}

/** The chart in the element that it is given; {@link update} may be called at any rate. */
export class CurveView {
  private readonly spec: CurveChart;
  private readonly smooth: boolean;
  private readonly onHover: (step: number | null) => void;
  private readonly chart: StepChart;
  private metrics: readonly StepMetrics[] = [];
  private maxSteps = 1;
  private hovered: number | null = null;

  constructor(root: HTMLElement, spec: CurveChart, smooth: boolean, onHover: (step: number | null) => void) {
    this.spec = spec;
    this.smooth = smooth;
    this.onHover = onHover;
    const wide = spec.unit === 'tiny' || spec.unit === 'seconds';
    this.chart = new StepChart(root, {
      ...{ height: HEIGHT, leastWidth: 160, padding: [8, 10, 0, 0], lines: linesOf(spec, smooth) },
      xAxis: { label: TRAIN_COPY.curves.xAxis, labelSize: 14, labelGap: -2, size: 22 },
      yAxis: {
        ...{ size: wide ? 58 : 46, space: 32 },
        values: (_, splits) => splits.map((value) => this.tick(value)),
      },
      data: () => this.data(),
      above: () => this.drawHovered(),
    });
    const { over } = this.chart.plot;
    over.addEventListener('pointermove', this.onMove);
    over.addEventListener('pointerleave', this.onLeave);
  }

  /** Takes the newest state; drawn in the next frame. */
  update(metrics: readonly StepMetrics[], maxSteps: number, hovered: number | null): void {
    const stale = metrics !== this.metrics || maxSteps !== this.maxSteps;
    this.metrics = metrics;
    this.maxSteps = maxSteps;
    this.hovered = hovered;
    this.chart.draw(stale);
  }

  /** Draws again with the colours of the present theme. */
  recolour(): void {
    this.chart.draw(true);
  }

  /** Removes everything from the page. */
  destroy(): void {
    this.chart.destroy();
  }

  private data(): StepData {
    const columns = curveColumns(this.spec, this.metrics, this.smooth);
    const [low, high] = extremes(columns);
    const lastStep = lastStepShown(this.metrics.at(-1)?.step ?? 0, this.maxSteps);
    return { columns, lastStep, y: axisEnds(this.spec.range, low, high) };
  }

  private tick(value: number): string {
    const { unit } = this.spec;
    if (value === 0) return '0';
    if (unit === 'share') return `${Number((value * 100).toPrecision(3))} %`;
    if (unit === 'tokens' && value >= 10_000) return `${Number((value / 1000).toPrecision(3))}k`;
    return unit === 'number' ? String(Number(value.toPrecision(3))) : metricText(value, unit);
  }

  private drawHovered(): void {
    if (this.hovered === null) return;
    const { plot } = this.chart;
    const { ctx, bbox } = plot;
    const x = plot.valToPos(this.hovered, 'x', true);
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
    const { plot } = this.chart;
    const left = event.clientX - plot.over.getBoundingClientRect().left;
    this.onHover(nearestStep(this.metrics, plot.posToVal(left, 'x')));
  };

  private readonly onLeave = (): void => this.onHover(null);
}
