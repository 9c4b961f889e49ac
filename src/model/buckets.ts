// Shape buckets: programs are built for a few padded sizes, the live count is data.

/** From here on sizes are close together: their memory and their time weigh more than making a program for each. */
const FINE_UNITS = 8;

/**
 * Smallest of unit · {1, 2, 3, 4, 6, 8, 9, 10, …, 16, 18, 20, …, 32, 36, …} that holds `count`: two sizes per octave, at most a
 * third wasted beyond the first few; above 8 units eight per octave, at most a ninth wasted.
 */
export function bucketSize(count: number, unit: number): number {
  const units = Math.max(1, Math.ceil(count / unit));
  let power = 1;
  while (power < units) power *= 2;
  if (units > FINE_UNITS) {
    const step = power / 16;
    return unit * step * Math.ceil(units / step);
  }
  const between = (power / 4) * 3;
  return unit * (Number.isInteger(between) && between >= units ? between : power);
}
