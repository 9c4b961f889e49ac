// Shape buckets: programs are built for a few padded sizes, the live count is data.

/**
 * Smallest of unit · {1, 2, 3, 4, 6, 8, 12, 16, 24, …} that holds `count`: two sizes per octave, at most a third wasted
 * beyond the first few.
 */
export function bucketSize(count: number, unit: number): number {
  const units = Math.max(1, Math.ceil(count / unit));
  let power = 1;
  while (power < units) power *= 2;
  const between = (power / 4) * 3;
  return unit * (Number.isInteger(between) && between >= units ? between : power);
}
