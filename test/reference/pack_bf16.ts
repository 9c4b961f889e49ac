// Rounding to bf16, slowly: by the two neighbours that 8 bits of precision allow, in f64.

/** The bf16 value nearest to x, of two equally near ones the one with an even last bit. */
export function roundToBf16(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(x))));
  const step = 2 ** (exponent - 7);
  const below = Math.floor(x / step);
  const rest = x / step - below;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 !== 0);
  return (below + (up ? 1 : 0)) * step;
}
