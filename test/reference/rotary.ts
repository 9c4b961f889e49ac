// Rotary embedding in f64 by the definition: head dimension j pairs with j + HS/2.

/** Tables an f64 reader can check: cos and sin of row * theta^(-2j/HS), rounded to f32, [rows, HS/2]. */
export function rotaryTables(rows: number, headSize: number, theta = 10000) {
  const half = headSize / 2;
  const angle = (i: number) => Math.floor(i / half) * theta ** ((-2 * (i % half)) / headSize);
  return {
    cos: Float32Array.from({ length: rows * half }, (_, i) => Math.cos(angle(i))),
    sin: Float32Array.from({ length: rows * half }, (_, i) => Math.sin(angle(i))),
  };
}

/** Rotates x [tokens, heads, headSize] by table row `rows[token]`; `sign` -1 rotates back. */
export function rotaryReference(
  x: ArrayLike<number>,
  heads: number,
  headSize: number,
  tables: { readonly cos: ArrayLike<number>; readonly sin: ArrayLike<number> },
  rows: ArrayLike<number>,
  sign = 1,
): Float64Array {
  const half = headSize / 2;
  const y = new Float64Array(x.length);
  for (let t = 0; t < rows.length; t++) {
    for (let h = 0; h < heads; h++) {
      for (let j = 0; j < half; j++) {
        const i = (t * heads + h) * headSize + j;
        const c = tables.cos[rows[t]! * half + j]!;
        const s = tables.sin[rows[t]! * half + j]! * sign;
        y[i] = x[i]! * c - x[i + half]! * s;
        y[i + half] = x[i + half]! * c + x[i]! * s;
      }
    }
  }
  return y;
}
