// Finds which characters of a text each character of its normalised form came from (NFC, lower case, replacements);
// token offsets need it. It is exact where the normaliser works on one combining sequence at a time, and a monotone
// best guess elsewhere (patterns that look at neighbours).

/** Source range [start, end) in UTF-16 units, for every UTF-16 unit of the normalised text. */
export type Alignment = [number, number][];

/** Units that normalisation may combine: a Hangul syllable in parts, or any character with its marks. */
const CLUSTER =
  /(?:[\u1100-\u115f][\u1160-\u11a7]*[\u11a8-\u11ff]*|[\uac00-\ud7a3][\u11a8-\u11ff]*|[\s\S])\p{M}*/gu;

function pushUnits(alignment: Alignment, char: string, start: number, end: number): void {
  for (let i = 0; i < char.length; i++) alignment.push([start, end]);
}

/**
 * For every character of `form`, how many source characters it adds (1), keeps (0) or swallows besides its own (< 0),
 * counted through canonical decomposition; null when `form` is not made of the cluster's own parts.
 */
function canonicalChanges(cluster: string, form: string): number[] | null {
  const parts = [...cluster].flatMap((char) =>
    [...char.normalize('NFD')].map((part, i) => ({ part, change: i === 0 ? 0 : 1, used: false })),
  );
  const changes: number[] = [];
  for (const char of form) {
    const components = [...char.normalize('NFD')];
    let change = 1 - components.length;
    for (const component of components) {
      const found = parts.find(({ part, used }) => !used && part === component);
      if (found === undefined) return null;
      found.used = true;
      change += found.change;
    }
    changes.push(change);
  }
  return changes;
}

/** Characters of one cluster to those of its form; an added character maps to the source character before it. */
function alignCluster(alignment: Alignment, cluster: string, form: string, base: number): void {
  const ranges: [number, number][] = [];
  let at = base;
  for (const char of cluster) {
    ranges.push([at, at + char.length]);
    at += char.length;
  }
  const chars = [...form];
  const changes = canonicalChanges(cluster, form) ?? chars.map((_, k) => (k < ranges.length ? 0 : 1));
  let next = 0;
  chars.forEach((char, k) => {
    const change = changes[k] ?? 0;
    const from = Math.min(Math.max(0, change > 0 ? next - 1 : next), ranges.length - 1);
    if (change <= 0) next += 1 - change;
    const [start, end] = ranges[from] ?? [base, at];
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
