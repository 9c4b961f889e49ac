// The processed next-token distribution in f64, in Hugging Face's order, by sorting; and Philox4x32-10 with BigInt.

/** Settings of one row; the names and meanings of the kernel's. */
export interface ReferenceSettings {
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
}

/** Logits after the repetition penalty, which ids survive, and their probabilities. */
export function samplerReference(logits: ArrayLike<number>, seen: ReadonlySet<number>, o: ReferenceSettings) {
  const penalty = o.repetitionPenalty ?? 1;
  const penalised = Float64Array.from(logits, (s, id) =>
    seen.has(id) ? (s < 0 ? s * penalty : s / penalty) : s,
  );
  const size = penalised.length;
  const kept = new Uint8Array(size).fill(1);
  const top = penalised.reduce((a, b) => Math.max(a, b));
  const softmax = () => {
    const e = penalised.map((s, id) => (kept[id] ? Math.exp((s - top) / o.temperature) : 0));
    const total = e.reduce((a, b) => a + b, 0);
    return e.map((value) => value / total);
  };
  if (o.temperature === 0) {
    const best = penalised.indexOf(top);
    kept.fill(0);
    kept[best] = 1;
    return { penalised, kept, probabilities: Float64Array.from(kept) };
  }
  if (o.topK && o.topK < size) {
    const border = [...penalised].sort((a, b) => b - a)[o.topK - 1]!;
    penalised.forEach((s, id) => {
      if (s < border) kept[id] = 0;
    });
  }
  if (o.topP !== undefined && o.topP < 1) {
    // Ascending and stable, as torch sorts; cumulative mass up to 1 - top_p goes, the last one always stays.
    const p = softmax();
    const order = [...p.keys()].sort((a, b) => penalised[a]! - penalised[b]! || a - b);
    let cumulative = 0;
    for (const id of order.slice(0, -1)) {
      cumulative += p[id]!;
      if (cumulative <= 1 - o.topP) kept[id] = 0;
    }
  }
  if (o.minP) {
    const p = softmax();
    const largest = Math.max(...p);
    p.forEach((value, id) => {
      if (value < o.minP! * largest) kept[id] = 0;
    });
  }
  return { penalised, kept, probabilities: softmax() };
}

/** Philox4x32-10 of Salmon et al. 2011. */
export function philoxReference(counter: readonly number[], key: readonly number[]): number[] {
  let c = counter.map(BigInt);
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  const mask = 0xffffffffn;
  for (let round = 0; round < 10; round++) {
    const p = 0xd2511f53n * c[0]!;
    const q = 0xcd9e8d57n * c[2]!;
    c = [(q >> 32n) ^ c[1]! ^ k0, q & mask, (p >> 32n) ^ c[3]! ^ k1, p & mask];
    k0 = (k0 + 0x9e3779b9n) & mask;
    k1 = (k1 + 0xbb67ae85n) & mask;
  }
  return c.map(Number);
}
