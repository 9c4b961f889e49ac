// Holds how the page shows things: heatmap on or off, its opacity, stretching, the model's own view, single-letter
// keys. Changing anything here never changes a recorded number.

import { signal } from '@preact/signals';

/** Whether the heatmap lies over the picture. */
export const overlayShown = signal(true);
/** Opacity of the heatmap, 0 to 1. */
export const overlayOpacity = signal(0.6);
/** Scale the heatmap to the shown steps' own maximum instead of the fixed scale. */
export const stretchScale = signal(false);
/** Dim cells that draw attention on nearly every step. */
export const dimSinks = signal(false);
/** Show the picture at the resolution that the model receives. */
export const modelView = signal(false);
/** Whether single-letter keys act (WCAG 2.1.4). */
export const letterKeys = signal(true);

/** Changes the opacity by `by`, within 0.1 and 1. */
export function changeOpacity(by: number): void {
  overlayOpacity.value = Math.min(1, Math.max(0.1, Math.round((overlayOpacity.value + by) * 20) / 20));
}
