// LayerNorm in f64, forward and backward, one obvious loop per formula.

/** y and stats (mean, rstd per row); x [rows, cols], w and b [cols]. */
export function layerNormReference(
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  b: ArrayLike<number>,
  eps: number,
) {
  const cols = w.length;
  const rows = x.length / cols;
  const y = new Float64Array(x.length);
  const stats = new Float64Array(2 * rows);
  for (let r = 0; r < rows; r++) {
    let mean = 0;
    for (let c = 0; c < cols; c++) mean += x[r * cols + c]! / cols;
    let variance = 0;
    for (let c = 0; c < cols; c++) variance += (x[r * cols + c]! - mean) ** 2 / cols;
    const rstd = 1 / Math.sqrt(variance + eps);
    stats.set([mean, rstd], 2 * r);
    for (let c = 0; c < cols; c++) y[r * cols + c] = (x[r * cols + c]! - mean) * rstd * w[c]! + b[c]!;
  }
  return { y, stats };
}

/** dx, dw and db given dy. */
export function layerNormBackwardReference(
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  eps: number,
  dy: ArrayLike<number>,
) {
  const cols = w.length;
  const { stats } = layerNormReference(x, w, new Float64Array(cols), eps);
  const dx = new Float64Array(x.length);
  const dw = new Float64Array(cols);
  const db = new Float64Array(cols);
  for (let r = 0; r < x.length / cols; r++) {
    const [mean, rstd] = [stats[2 * r]!, stats[2 * r + 1]!];
    const h = (c: number) => (x[r * cols + c]! - mean) * rstd;
    let meanG = 0;
    let meanGh = 0;
    for (let c = 0; c < cols; c++) {
      meanG += (w[c]! * dy[r * cols + c]!) / cols;
      meanGh += (w[c]! * dy[r * cols + c]! * h(c)) / cols;
    }
    for (let c = 0; c < cols; c++) {
      const g = dy[r * cols + c]!;
      dx[r * cols + c] = rstd * (w[c]! * g - meanG - h(c) * meanGh);
      dw[c]! += g * h(c);
      db[c]! += g;
    }
  }
  return { dx, dw, db };
}
