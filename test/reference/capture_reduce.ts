// Averages captured attention over heads in f64: [layers, B, heads, n] becomes [B, layers, n].

/** Mean over heads of x [layers, batch, heads, width], as [batch, layers, width]. */
export function referenceHeadMean(
  x: ArrayLike<number>,
  layers: number,
  batch: number,
  heads: number,
  width: number,
): Float64Array {
  const out = new Float64Array(batch * layers * width);
  for (let layer = 0; layer < layers; layer++) {
    for (let b = 0; b < batch; b++) {
      for (let head = 0; head < heads; head++) {
        for (let i = 0; i < width; i++) {
          out[(b * layers + layer) * width + i]! +=
            x[((layer * batch + b) * heads + head) * width + i]! / heads;
        }
      }
    }
  }
  return out;
}
