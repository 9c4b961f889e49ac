// A decode step's linear layer with everything around it in f64, by loops: norm, product, bias, low-rank updates, SwiGLU,
// residual.

/** One low-rank update, in plain arrays. */
export interface ReferenceUpdate {
  /** [rank, K] */
  readonly a: ArrayLike<number>;
  /** [columns, rank] */
  readonly b: ArrayLike<number>;
  readonly rank: number;
  readonly first: number;
  readonly columns: number;
  /** Scale and strength together. */
  readonly scale: number;
}

/** What is computed. */
export interface ReferenceLayer {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly x: ArrayLike<number>;
  /** [N, K] */
  readonly w: ArrayLike<number>;
  readonly norm?: { readonly gain: ArrayLike<number>; readonly eps: number } | undefined;
  readonly bias?: ArrayLike<number> | undefined;
  readonly residual?: ArrayLike<number> | undefined;
  readonly gated?: boolean;
  readonly updates?: readonly ReferenceUpdate[];
}

/** The input behind the norm, [M, K]. */
export function normedRows({ m, k, x, norm }: Pick<ReferenceLayer, 'm' | 'k' | 'x' | 'norm'>): Float64Array {
  const rows = Float64Array.from(x);
  if (!norm) return rows;
  for (let row = 0; row < m; row++) {
    let square = 0;
    for (let at = 0; at < k; at++) square += x[row * k + at]! ** 2;
    for (let at = 0; at < k; at++)
      rows[row * k + at] = (x[row * k + at]! * norm.gain[at]!) / Math.sqrt(square / k + norm.eps);
  }
  return rows;
}

/** [M, N], or [M, N / 2] where it is gated. */
export function referenceLayer(o: ReferenceLayer): Float64Array {
  const { m, n, k, w, bias, residual, gated = false, updates = [] } = o;
  const rows = normedRows(o);
  const dot = (matrix: ArrayLike<number>, line: number, row: number): number => {
    let sum = 0;
    for (let at = 0; at < k; at++) sum += rows[row * k + at]! * matrix[line * k + at]!;
    return sum;
  };
  const y = (row: number, column: number): number => {
    let value = dot(w, column, row) + (bias?.[column] ?? 0);
    for (const { a, b, rank, first, columns, scale } of updates) {
      if (column < first || column >= first + columns) continue;
      for (let at = 0; at < rank; at++) value += scale * dot(a, at, row) * b[(column - first) * rank + at]!;
    }
    return value;
  };
  const outputs = gated ? n / 2 : n;
  return Float64Array.from({ length: m * outputs }, (_, at) => {
    const [row, column] = [Math.floor(at / outputs), at % outputs];
    const value = y(row, column);
    if (gated) return (value / (1 + Math.exp(-value))) * y(row, column + outputs);
    return value + (residual?.[at] ?? 0);
  });
}
