// Lets people point at the steps of a chart: hovering previews a step, a press pins it, dragging pins a range. Draws the steps
// that are shown over the chart's lines.

import type uPlot from 'uplot';
import type { StepRange } from '../../state/segment_layout';
import { themeColour } from '../theme';

/** What a chart reports when people point at it. */
export interface ChartCallbacks {
  hover(range: StepRange | null): void;
  pin(step: number): void;
  pinRange(from: number, to: number): void;
}

/** Listens on a chart, which takes the listeners with it when it goes; `count` says how many steps there are to point at. */
export function pointAtSteps(plot: uPlot, count: () => number, callbacks: ChartCallbacks): void {
  let dragFrom: number | null = null;
  const { over } = plot;
  const stepAt = (event: PointerEvent): number => {
    const left = event.clientX - over.getBoundingClientRect().left;
    const step = Math.round(plot.posToVal(left, 'x')) - 1;
    return Math.min(Math.max(step, 0), Math.max(count() - 1, 0));
  };
  over.addEventListener('pointermove', (event) => {
    if (count() === 0) return;
    const step = stepAt(event);
    const from = dragFrom ?? step;
    callbacks.hover({ from: Math.min(from, step), to: Math.max(from, step) });
  });
  over.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    dragFrom = stepAt(event);
    over.setPointerCapture(event.pointerId);
  });
  over.addEventListener('pointerup', (event) => {
    const from = dragFrom;
    dragFrom = null;
    if (from === null) return;
    const to = stepAt(event);
    if (from === to) callbacks.pin(to);
    else callbacks.pinRange(from, to);
  });
  over.addEventListener('pointerleave', () => {
    if (dragFrom === null) callbacks.hover(null);
  });
}

/** Marks the steps that are shown: a line through a single one, a shaded range; dashed while they follow the newest. */
export function drawShownSteps(plot: uPlot, shown: StepRange | null, live: boolean): void {
  if (shown === null) return;
  const { ctx, bbox } = plot;
  const pixel = devicePixelRatio;
  const x = (step: number): number => plot.valToPos(step, 'x', true);
  const left = x(shown.from + 0.5);
  const right = x(shown.to + 1.5);
  ctx.save();
  ctx.fillStyle = themeColour('--select-wash');
  ctx.fillRect(left, bbox.top, right - left, bbox.height);
  ctx.strokeStyle = themeColour('--ink');
  ctx.lineWidth = pixel;
  if (live) ctx.setLineDash([3 * pixel, 3 * pixel]);
  for (const at of shown.from === shown.to ? [(left + right) / 2] : [left, right]) {
    ctx.beginPath();
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}
