// Which characters of a text each character of its normalised form came from (NFC, lower case, replacements).
// Not a normaliser and not a diff for people: alignment serves token offsets. Exact where the normaliser works on one
// combining sequence at a time; elsewhere (patterns that look at neighbours) a monotone best guess.

/** Source range [start, end) in UTF-16 units, for every UTF-16 unit of the normalised text. */
export type Alignment = [number, number][];

/** Units that normalisation may combine: a Hangul syllable in parts, or any character with its marks. */
const CLUSTER =
  /(?:[\u1100-\u115f][\u1160-\u11a7]*[\u11a8-\u11ff]*|[\uac00-\ud7a3][\u11a8-\u11ff]*|[\s\S])\p{M}*/gu;

function pushUnits(alignment: Alignment, char: string, start: number, end: number): void {
  for (let i = 0; i < char.length; i++) alignment.push([start, end]);
}

/** Characters of one cluster to those of its form: first to first, the rest from the end, extras to the last. */
function alignCluster(alignment: Alignment, cluster: string, form: string, base: number): void {
  const starts: [number, number][] = [];
  let at = base;
  for (const char of cluster) {
    starts.push([at, at + char.length]);
    at += char.length;
  }
  const chars = [...form];
  chars.forEach((char, k) => {
    const shorter = Math.max(0, starts.length - chars.length);
    const from = k === 0 ? 0 : Math.min(k + shorter, starts.length - 1);
    const [start, end] = starts[from] ?? [base, at];
    pushUnits(alignment, char, start, end);
  });
}

/** Two pointers: equal characters (ignoring case) pair up; at a difference the nearest pairing ahead wins. */
function alignGreedily(text: string, normalized: string): Alignment {
  const alignment: Alignment = [];
  const same = (a: string | undefined, b: string | undefined): boolean =>
    a !== undefined && b !== undefined && (a === b || a.toLowerCase() === b.toLowerCase());
  let at = 0;
  for (let i = 0; i < normalized.length; i++) {
    if (!same(text[at], normalized[i])) {
      const replaced = same(text[at + 1], normalized[i + 1]);
      let skip = 1;
      while (!replaced && skip < 16 && at + skip < text.length && !same(text[at + skip], normalized[i]))
        skip += 1;
      if (!replaced && same(text[at + skip], normalized[i])) at += skip;
    }
    const start = Math.min(at, Math.max(0, text.length - 1));
    alignment.push([start, Math.min(start + 1, text.length)]);
    at += 1;
  }
  return alignment;
}

/**
 * Aligns `normalized` = normalize(`text`) with `text`. A composed character maps to the first of its parts only,
 * as Rust tokenizers report it.
 */
export function alignNormalized(
  text: string,
  normalized: string,
  normalize: (part: string) => string,
): Alignment {
  const alignment: Alignment = [];
  if (text === normalized) {
    let at = 0;
    for (const char of text) {
      pushUnits(alignment, char, at, at + char.length);
      at += char.length;
    }
    return alignment;
  }
  const clusters = text.match(CLUSTER) ?? [];
  const forms = clusters.map(normalize);
  if (forms.join('') !== normalized) return alignGreedily(text, normalized);
  let base = 0;
  clusters.forEach((cluster, i) => {
    alignCluster(alignment, cluster, forms[i] ?? '', base);
    base += cluster.length;
  });
  return alignment;
}
