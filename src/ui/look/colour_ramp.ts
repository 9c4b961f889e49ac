// Maps values to the heatmap's colours: a perceptually even ramp from dark violet to yellow whose opacity grows with
// the value. The same numbers have the same colour in light and dark; value 0 is fully transparent, so that a map of
// nothing looks like nothing.

/** Control points of viridis (CC0, BIDS/colormap), evenly spaced. */
const STOPS: readonly (readonly [number, number, number])[] = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
];

/** A colour as canvas takes it: channels 0–255, alpha 0–1. */
export type Rgba = readonly [number, number, number, number];

/** Colour of `value` on a scale from 0 to `top`, clamped; `opacity` (0–1) scales the alpha. */
export function rampColour(value: number, top: number, opacity: number): Rgba {
  const t = top > 0 ? Math.min(Math.max(value / top, 0), 1) : 0;
  const at = t * (STOPS.length - 1);
  const low = Math.min(Math.floor(at), STOPS.length - 2);
  const a = STOPS[low] ?? [0, 0, 0];
  const b = STOPS[low + 1] ?? a;
  const mix = (i: 0 | 1 | 2) => Math.round(a[i] + (b[i] - a[i]) * (at - low));
  return [mix(0), mix(1), mix(2), opacity * (t === 0 ? 0 : 0.15 + 0.85 * t ** 0.6)];
}

/** The same as a CSS colour. */
export function cssColour([r, g, b, a]: Rgba): string {
  return `rgba(${r}, ${g}, ${b}, ${a.toFixed(3)})`;
}
