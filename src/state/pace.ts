// Works out how fast something arrives, and how long it will still take, from what has arrived lately.

/** How far something is. */
export interface Pace {
  readonly loaded: number;
  readonly total: number;
  /** Null until it can be told. */
  readonly bytesPerSecond: number | null;
  /** Null until it can be told. */
  readonly secondsLeft: number | null;
  /** What had arrived when, in milliseconds, of the last seconds. */
  readonly samples: readonly { readonly at: number; readonly loaded: number }[];
}

/** Speeds are means over so long: a piece arrives at once, and the next one takes a while. */
const WINDOW_MS = 10_000;
/** A shorter time says nothing. */
const LEAST_MS = 1000;

/** The pace after `loaded` of `total` bytes have arrived at `at`; what came before is null at the beginning. */
export function paceAfter(before: Pace | null, loaded: number, total: number, at: number): Pace {
  const earlier = before?.samples ?? [];
  // What is thrown away and fetched again is no progress to measure by.
  const usable =
    earlier.at(-1)?.loaded !== undefined && (earlier.at(-1)?.loaded ?? 0) > loaded ? [] : earlier;
  const recent = usable.filter((sample) => at - sample.at <= WINDOW_MS);
  const samples = [...(recent.length > 0 ? recent : usable.slice(-1)), { at, loaded }];
  const first = samples[0] ?? { at, loaded };
  const spanMs = at - first.at;
  const bytesPerSecond = spanMs < LEAST_MS ? null : (1000 * (loaded - first.loaded)) / spanMs;
  const moving = bytesPerSecond !== null && bytesPerSecond > 0;
  return {
    loaded,
    total,
    bytesPerSecond,
    secondsLeft: moving ? (total - loaded) / bytesPerSecond : null,
    samples,
  };
}
