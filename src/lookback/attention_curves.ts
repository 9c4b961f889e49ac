// Means the image attention of many answers token by token: by position in the answer (does it decay while the model
// reasons?) and around the token that opens the look back (does the look raise it?). Pure.

/** One answer's attention, as far as the curves need it. */
export interface AttendedTokens {
  /** Image share of each generated token; null where none was recorded. */
  readonly shares: readonly (number | null)[];
  /** Number of the token that opens the first look back; null without one. */
  readonly backAt: number | null;
}

/** Means over answers at places in a row. */
export interface AttentionCurve {
  /** The first place: a token's number from 0, or its distance from the opening `<back>`. */
  readonly from: number;
  /** Tokens from one place to the next; each place means the tokens up to the next one. */
  readonly step: number;
  /** Mean image share at each place; null where no answer has a token. */
  readonly mean: readonly (number | null)[];
  /** Answers that have a token there. */
  readonly count: readonly number[];
}

/** Most places of a curve: longer answers are meant over several tokens at once. */
const MOST_PLACES = 128;
/** Tokens before and from the opening `<back>` that the aligned curve shows. */
const BEFORE = 24;
const AFTER = 40;

/** Means values by place. Every answer counts once at a place, with the mean of its tokens there. */
function curve(
  answers: readonly { readonly at: number; readonly shares: readonly (number | null)[] }[],
  { from, step, places }: { readonly from: number; readonly step: number; readonly places: number },
): AttentionCurve {
  const sums = new Float64Array(places);
  const count = new Array<number>(places).fill(0);
  for (const { at, shares } of answers) {
    for (let place = 0; place < places; place++) {
      const first = from + place * step + at;
      let [sum, known] = [0, 0];
      for (let token = Math.max(0, first); token < Math.min(first + step, shares.length); token++) {
        const share = shares[token] ?? null;
        if (share === null) continue;
        sum += share;
        known++;
      }
      if (known === 0) continue;
      sums[place] = (sums[place] ?? 0) + sum / known;
      count[place] = (count[place] ?? 0) + 1;
    }
  }
  const mean = count.map((own, place) => (own === 0 ? null : (sums[place] ?? 0) / own));
  return { from, step, mean, count };
}

/**
 * Mean image share by the number of the generated token. Linear in the tokens.
 * @source Look-Back, arXiv 2507.03019: attention to the image falls as the reasoning goes on
 */
export function decayCurve(answers: readonly AttendedTokens[]): AttentionCurve {
  const longest = answers.reduce((most, { shares }) => Math.max(most, shares.length), 0);
  const step = Math.max(1, Math.ceil(longest / MOST_PLACES));
  const all = answers.map(({ shares }) => ({ at: 0, shares }));
  return curve(all, { from: 0, step, places: Math.ceil(longest / step) });
}

/** Mean image share by the distance from the token that opens `<back>`, over the answers that look back. */
export function curveAroundBack(answers: readonly AttendedTokens[]): AttentionCurve {
  const turned = answers.flatMap(({ shares, backAt }) => (backAt === null ? [] : [{ at: backAt, shares }]));
  return curve(turned, { from: -BEFORE, step: 1, places: turned.length === 0 ? 0 : BEFORE + AFTER });
}
