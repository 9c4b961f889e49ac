// RMSNorm in f64, forward and backward, one obvious loop per formula.

/** y, rstd per row of y = x * w / sqrt(mean(x²) + eps); x [rows, cols], w [cols]. */
export function rmsNormReference(x: ArrayLike<number>, w: ArrayLike<number>, eps: number) {
  const cols = w.length;
  const rows = x.length / cols;
  const y = new Float64Array(x.length);
  const rstd = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    let squares = 0;
    for (let c = 0; c < cols; c++) squares += x[r * cols + c]! ** 2;
    rstd[r] = 1 / Math.sqrt(squares / cols + eps);
    for (let c = 0; c < cols; c++) y[r * cols + c] = x[r * cols + c]! * w[c]! * rstd[r]!;
  }
  return { y, rstd };
}

/** dx and dw given dy. */
export function rmsNormBackwardReference(
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  eps: number,
  dy: ArrayLike<number>,
) {
  const cols = w.length;
  const { rstd } = rmsNormReference(x, w, eps);
  const dx = new Float64Array(x.length);
  const dw = new Float64Array(cols);
  for (let r = 0; r < rstd.length; r++) {
    let sum = 0;
    for (let c = 0; c < cols; c++) sum += w[c]! * dy[r * cols + c]! * x[r * cols + c]!;
    for (let c = 0; c < cols; c++) {
      const i = r * cols + c;
      dx[i] = rstd[r]! * w[c]! * dy[i]! - (x[i]! * rstd[r]! ** 3 * sum) / cols;
      dw[c]! += dy[i]! * x[i]! * rstd[r]!;
    }
  }
  return { dx, dw };
}
