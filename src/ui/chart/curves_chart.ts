// Draws one chart of the Train page over uPlot: lines over steps, and the step that is pointed at; the panel has
// legend and words as text. A step without a value is a gap, except in a sparse line, whose measured points are
// marked and joined.

import {
  type CurveColumns,
  curveColumns,
  type DrawnLine,
  type LineLook,
  nearestStep,
} from '../train/curve_lines';
import type { CurveChart } from '../train/curves';
import { metricText } from '../train/figures_text';
import { TRAIN_COPY } from '../train/train_copy';
import { StepChart, type StepData, type StepLine } from './step_chart';

const HEIGHT = 164;
const FAINT = 0.35;

const LOOKS: Readonly<Record<LineLook, Pick<StepLine, 'colour' | 'width' | 'dash'>>> = {
  first: { colour: '--ink', width: 2, dash: [] },
  second: { colour: '--ink', width: 1.5, dash: [7, 4] },
  third: { colour: '--ink-2', width: 1.75, dash: [1.5, 3.5] },
  accent: { colour: '--accent', width: 2, dash: [] },
  'run-a': { colour: '--ink', width: 2, dash: [] },
  'run-b': { colour: '--run-b', width: 2, dash: [7, 4] },
  'run-c': { colour: '--run-c', width: 2.25, dash: [2, 4] },
  'run-d': { colour: '--run-d', width: 2, dash: [12, 4, 2, 4] },
  'run-e': { colour: '--run-e', width: 2, dash: [4, 2] },
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

/** Lines of a chart: those of the measured values, faint below their means when they are smoothed. */
function stepLines(lines: readonly DrawnLine[], smooth: boolean): StepLine[] {
  const raw = lines.map(
    ({ look, sparse }): StepLine => ({ ...LOOKS[look], sparse, marksLone: true, alpha: smooth ? FAINT : 1 }),
  );
  // A mean needs no marks: the faint line below has them.
  const means = lines.map(({ look, sparse }): StepLine => ({ ...LOOKS[look], sparse }));
  return smooth ? [...raw, ...means] : raw;
}

/** Smallest and largest value of the lines; null where there is none. */
function extremes(columns: CurveColumns): readonly [low: number | null, high: number | null] {
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

/** What a chart shows. */
export interface CurveState {
  /** As many and with the same looks as those that the chart was made with. */
  readonly lines: readonly DrawnLine[];
  /** Step at the right end of the x axis. */
  readonly lastStep: number;
  readonly hovered: number | null;
}

/** What stays of a chart while its values change. */
export interface CurveSpec extends Pick<CurveChart, 'unit' | 'range'> {
  /** Steps of the means that are drawn over the measured values; 1 draws none. */
  readonly window: number;
  /** Called with the step nearest to the pointer; null when it leaves. */
  readonly onHover: (step: number | null) => void;
}

/** The chart in the element that it is given; {@link update} may be called at any rate. */
export class CurveView {
  private readonly spec: CurveSpec;
  private readonly chart: StepChart;
  private readonly mark = document.createElement('div');
  private state: CurveState;

  constructor(root: HTMLElement, spec: CurveSpec, state: CurveState) {
    this.spec = spec;
    this.state = state;
    const wide = spec.unit === 'tiny' || spec.unit === 'seconds';
    this.chart = new StepChart(root, {
      ...{ height: HEIGHT, leastWidth: 160, padding: [8, 10, 0, 0], skipsUnseen: true },
      lines: stepLines(state.lines, spec.window > 1),
      xAxis: { label: TRAIN_COPY.curves.xAxis, labelSize: 14, labelGap: -2, size: 22 },
      yAxis: {
        ...{ size: wide ? 58 : 46, space: 32 },
        values: (_, splits) => splits.map((value) => this.tick(value)),
      },
      data: () => this.data(),
      above: () => this.placeMark(),
    });
    const { over } = this.chart.plot;
    this.mark.className = 'curve-mark';
    this.mark.hidden = true;
    over.append(this.mark);
    over.addEventListener('pointermove', this.onMove);
    over.addEventListener('pointerleave', this.onLeave);
    this.chart.draw(true);
  }

  /** Takes the newest state; drawn in the next frame. */
  update(state: CurveState): void {
    const { lines, lastStep } = this.state;
    this.state = state;
    this.placeMark();
    if (state.lines !== lines || state.lastStep !== lastStep) this.chart.draw(true);
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
    const columns = curveColumns(this.state.lines, this.spec.window);
    const [low, high] = extremes(columns);
    return { columns, lastStep: this.state.lastStep, y: axisEnds(this.spec.range, low, high) };
  }

  private tick(value: number): string {
    const { unit } = this.spec;
    if (value === 0) return '0';
    if (unit === 'share') return `${Number((value * 100).toPrecision(3))} %`;
    if (unit === 'tokens' && value >= 10_000) return `${Number((value / 1000).toPrecision(3))}k`;
    return unit === 'number' ? String(Number(value.toPrecision(3))) : metricText(value, unit);
  }

  /** Puts the line of the step that is pointed at where it belongs; the drawing below need not be made again for it. */
  private placeMark(): void {
    const { hovered } = this.state;
    this.mark.hidden = hovered === null;
    if (hovered !== null)
      this.mark.style.transform = `translateX(${this.chart.plot.valToPos(hovered, 'x')}px)`;
  }

  private readonly onMove = (event: PointerEvent): void => {
    const { plot } = this.chart;
    const left = event.clientX - plot.over.getBoundingClientRect().left;
    this.spec.onHover(nearestStep(this.state.lines, plot.posToVal(left, 'x')));
  };

  private readonly onLeave = (): void => this.spec.onHover(null);
}
