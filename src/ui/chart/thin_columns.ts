// Thins long lines for a chart: of every stretch of steps the places stay at which a line is lowest and highest, so that
// the drawing is the same as of all of them, and costs no more the longer the run is.

/** Stretches that a chart is divided into: about as many as it has pixels across. */
const STRETCHES = 512;

/** Values by place; null is a gap. */
type Values = readonly (number | null)[];

/** Adds where the values of one stretch are lowest and highest; of a stretch without values its first place, a gap. */
function addEnds(places: Set<number>, values: Values, from: number, to: number): void {
  let low = -1;
  let high = -1;
  for (let at = from; at < to; at++) {
    const value = values[at] ?? null;
    if (value === null) continue;
    if (low < 0 || value < (values[low] as number)) low = at;
    if (high < 0 || value > (values[high] as number)) high = at;
  }
  places.add(low < 0 ? from : low);
  places.add(high < 0 ? from : high);
}

/**
 * The places that a drawing of columns of `length` values needs, ascending; null when it needs all of them. Stretches
 * are powers of two long and begin at the first place, so that a line that grows keeps its shape.
 */
export function neededPlaces(columns: readonly Values[], length: number): number[] | null {
  let stretch = 1;
  while (length / stretch > STRETCHES) stretch *= 2;
  if (stretch <= 2) return null;
  const places: number[] = [0];
  for (let from = 0; from < length; from += stretch) {
    const to = Math.min(length, from + stretch);
    const ends = new Set<number>();
    for (const column of columns) addEnds(ends, column, from, to);
    for (const place of [...ends].sort((a, b) => a - b)) if (place !== places.at(-1)) places.push(place);
  }
  if (places.at(-1) !== length - 1) places.push(length - 1);
  return places;
}
