// Softmax, log-probabilities, entropy and their logit gradient in f64.

/** Softmax of one row of z. */
export function softmaxReference(z: ArrayLike<number>): Float64Array {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < z.length; i++) top = Math.max(top, z[i]!);
  const e = Float64Array.from(z, (value) => Math.exp(value - top));
  const total = e.reduce((a, b) => a + b, 0);
  return e.map((value) => value / total);
}

/** Per row: log-probability of the label (0 where negative), logsumexp, entropy; logits [rows, cols]. */
export function crossEntropyReference(logits: ArrayLike<number>, labels: ArrayLike<number>, temperature = 1) {
  const rows = labels.length;
  const cols = logits.length / rows;
  const logp = new Float64Array(rows);
  const lse = new Float64Array(rows);
  const entropy = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    const z = Float64Array.from({ length: cols }, (_, c) => logits[r * cols + c]! / temperature);
    const top = z.reduce((a, b) => Math.max(a, b));
    lse[r] = top + Math.log(z.reduce((sum, value) => sum + Math.exp(value - top), 0));
    logp[r] = labels[r]! < 0 ? 0 : z[labels[r]!]! - lse[r]!;
    entropy[r] = -softmaxReference(z).reduce((sum, p) => sum + (p > 0 ? p * Math.log(p) : 0), 0);
  }
  return { logp, lse, entropy };
}

/** Gradient of sum over rows of -weight * logp. */
export function crossEntropyBackwardReference(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  weight: ArrayLike<number>,
  temperature = 1,
): Float64Array {
  const cols = logits.length / labels.length;
  const gradient = new Float64Array(logits.length);
  for (let r = 0; r < labels.length; r++) {
    if (labels[r]! < 0) continue;
    const z = Float64Array.from({ length: cols }, (_, c) => logits[r * cols + c]! / temperature);
    softmaxReference(z).forEach((p, c) => {
      gradient[r * cols + c] = (weight[r]! * (p - (c === labels[r] ? 1 : 0))) / temperature;
    });
  }
  return gradient;
}
