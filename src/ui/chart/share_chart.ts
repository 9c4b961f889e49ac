// Draws the chart of attention shares over uPlot: three lines, `<back>` bands, the shown steps. Shares are drawn as
// recorded, between 0 and 1, over the step counted from 1; a step without recorded attention is a gap, never an
// interpolation.

import uPlot from 'uplot';
import type { StepRange } from '../../state/segment_layout';
import type { Answer } from '../../state/session';
import { COPY } from '../copy';
import { themeColour } from '../theme';
import { StepChart, type StepLine } from './step_chart';
import { type ChartCallbacks, drawShownSteps, pointAtSteps } from './step_pointer';

/** Steps that the x axis shows at least, so that the first tokens do not fill the whole width. */
const MIN_STEPS = 24;
const HEIGHT = 178;
const LABEL_SPACE = 100;
const LABEL_GAP = 15;

const LINES: readonly (StepLine & { readonly key: 'image' | 'query' | 'generated' })[] = [
  { key: 'image', colour: '--accent', width: 2, dash: [] },
  { key: 'query', colour: '--ink', width: 1.25, dash: [7, 4] },
  { key: 'generated', colour: '--ink-2', width: 1.5, dash: [1.5, 3.5] },
];

/** Pushes label positions apart so that none is closer than `gap` to the next; keeps their order. */
export function spreadLabels(wanted: readonly number[], gap: number, low: number, high: number): number[] {
  const order = wanted.map((y, i) => ({ y, i })).sort((a, b) => a.y - b.y);
  let floor = low;
  for (const item of order) {
    item.y = Math.max(item.y, floor);
    floor = item.y + gap;
  }
  let ceiling = high;
  for (const item of order.reverse()) {
    item.y = Math.min(item.y, ceiling);
    ceiling = item.y - gap;
  }
  const placed = new Array<number>(wanted.length);
  for (const { y, i } of order) placed[i] = y;
  return placed;
}

/** Columns for uPlot: steps from 1, then image, question and generated shares, null where nothing is recorded. */
export function chartColumns(answer: Pick<Answer, 'steps'> | null): uPlot.AlignedData {
  const steps = answer?.steps ?? [];
  return [
    steps.map((_, i) => i + 1),
    steps.map((step) => step.shares?.image ?? null),
    steps.map((step) => step.shares?.query ?? null),
    steps.map((step) => step.shares?.generated ?? null),
  ];
}

/** The chart in the element that it is given; {@link update} may be called at any rate. */
export class ChartView {
  private readonly chart: StepChart;
  private answer: Answer | null = null;
  private bands: readonly StepRange[] = [];
  private shown: StepRange | null = null;
  private live = true;

  constructor(root: HTMLElement, callbacks: ChartCallbacks) {
    this.chart = new StepChart(root, {
      ...{ height: HEIGHT, leastWidth: 200, padding: [16, LABEL_SPACE, 0, 4], lines: LINES },
      xAxis: { label: COPY.chart.xAxis, labelSize: 18, size: 26 },
      yAxis: { label: COPY.chart.yAxis, labelSize: 18, size: 36, splits: [0, 0.25, 0.5, 0.75, 1] },
      data: () => ({
        columns: chartColumns(this.answer),
        lastStep: Math.max(MIN_STEPS, this.answer?.steps.length ?? 0),
        y: [0, 1],
      }),
      below: () => this.drawBands(),
      above: () => {
        drawShownSteps(this.plot, this.shown, this.live);
        this.drawLabels();
      },
    });
    pointAtSteps(this.plot, () => this.answer?.steps.length ?? 0, callbacks);
  }

  /** Takes the newest state; drawn in the next frame. */
  update(answer: Answer | null, bands: readonly StepRange[], shown: StepRange | null, live: boolean): void {
    const stale = answer !== this.answer;
    this.answer = answer;
    this.bands = bands;
    this.shown = shown;
    this.live = live;
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

  private get plot(): uPlot {
    return this.chart.plot;
  }

  private x(step: number): number {
    return this.plot.valToPos(step, 'x', true);
  }

  private drawBands(): void {
    const { ctx, bbox } = this.plot;
    ctx.save();
    ctx.font = `600 ${11 * uPlot.pxRatio}px system-ui, sans-serif`;
    ctx.textAlign = 'center';
    ctx.textBaseline = 'bottom';
    for (const band of this.bands) {
      const left = this.x(band.from + 0.5);
      const right = this.x(band.to + 1.5);
      ctx.fillStyle = themeColour('--accent-wash');
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
      ctx.fillStyle = themeColour('--accent');
      ctx.fillRect(left, bbox.top, right - left, 2 * uPlot.pxRatio);
      ctx.fillText(`<${COPY.chart.back}>`, (left + right) / 2, bbox.top - 2 * uPlot.pxRatio);
    }
    ctx.restore();
  }

  /** Names each line at its right end. */
  private drawLabels(): void {
    const { ctx, bbox } = this.plot;
    const steps = this.answer?.steps ?? [];
    let last = steps.length - 1;
    while (last >= 0 && steps[last]?.shares === null) last -= 1;
    const shares = steps[last]?.shares;
    if (!shares) return;
    const wanted = LINES.map((line) => this.plot.valToPos(shares[line.key], 'y', true));
    const gap = LABEL_GAP * uPlot.pxRatio;
    const placed = spreadLabels(wanted, gap, bbox.top + gap / 2, bbox.top + bbox.height - gap / 2);
    ctx.save();
    ctx.font = `${12 * uPlot.pxRatio}px system-ui, sans-serif`;
    ctx.textBaseline = 'middle';
    ctx.textAlign = 'left';
    ctx.lineWidth = 2 * uPlot.pxRatio;
    const x = bbox.left + bbox.width + 6 * uPlot.pxRatio;
    LINES.forEach((line, i) => {
      const y = placed[i] ?? 0;
      ctx.strokeStyle = themeColour(line.colour);
      ctx.fillStyle = themeColour(line.colour);
      ctx.setLineDash(line.dash.map((d) => d * uPlot.pxRatio));
      ctx.beginPath();
      ctx.moveTo(x, y);
      ctx.lineTo(x + 14 * uPlot.pxRatio, y);
      ctx.stroke();
      ctx.fillText(COPY.chart[line.key], x + 18 * uPlot.pxRatio, y);
    });
    ctx.restore();
  }
}
