// Asks the browser whether somebody wants as little motion as can be.

/** Whether motion is to be left out. */
export function wantsNoMotion(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
