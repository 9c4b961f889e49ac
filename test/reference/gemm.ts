// Computes the GEMM family in f64 by three loops. Half-width weights are given as raw 16-bit patterns and decoded
// here, independently of the shader.

import type { GemmActivation, GemmOptions } from '../../src/kernels/gemm';

/** Operands as plain numbers, in storage order. */
export interface GemmOperands {
  readonly a: ArrayLike<number>;
  readonly b: ArrayLike<number>;
  readonly bias?: ArrayLike<number> | undefined;
  readonly residual?: ArrayLike<number> | undefined;
  /** What C held before, where sums start with `accumulate`. */
  readonly c?: ArrayLike<number> | undefined;
}

/** C[M,N] row-major, and the sum of |a·b| of every element: the scale of its rounding error. */
export function referenceGemm(o: GemmOptions, x: GemmOperands): { c: Float64Array; scale: Float64Array } {
  const c = new Float64Array(o.m * o.n);
  const scale = new Float64Array(o.m * o.n);
  for (let row = 0; row < o.m; row++) {
    for (let column = 0; column < o.n; column++) {
      let sum = 0;
      let size = 0;
      for (let k = 0; k < o.k; k++) {
        const left = o.mode === 'tn' ? x.a[k * o.m + row]! : x.a[row * o.k + k]!;
        const right = o.mode === 'nt' ? x.b[column * o.k + k]! : x.b[k * o.n + column]!;
        sum += left * right;
        size += Math.abs(left * right);
      }
      const at = row * o.n + column;
      const bias = o.bias ? x.bias![column]! : 0;
      const residual = o.residual ? x.residual![at]! : 0;
      const before = o.accumulate ? x.c![at]! : 0;
      c[at] = referenceActivation(o.activation ?? 'none', before + sum + bias) + residual;
      scale[at] = size + Math.abs(bias) + Math.abs(residual) + Math.abs(before);
    }
  }
  return { c, scale };
}

/** Activations as Hugging Face defines them. */
function referenceActivation(kind: GemmActivation, x: number): number {
  if (kind === 'silu') return x / (1 + Math.exp(-x));
  if (kind === 'gelu') return 0.5 * x * (1 + erf(x / Math.SQRT2));
  if (kind === 'gelu_tanh')
    return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  if (kind === 'quick_gelu') return x / (1 + Math.exp(-1.702 * x));
  return x;
}

/** erf by its Maclaurin series (Abramowitz and Stegun 7.1.6); beyond 6 it is ±1 in f64. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** Value of a bf16 bit pattern. */
export function decodeBf16(bits: number): number {
  return new Float32Array(new Uint32Array([bits << 16]).buffer)[0]!;
}

/** Value of an IEEE binary16 bit pattern, finite ones only. */
export function decodeF16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
