// AdamW and clipping by global norm in f64, as torch defines them.
import type { AdamwSettings } from '../../src/kernels/adamw';

/** Updates w, m and v in place. */
export function adamwReference(
  w: Float64Array,
  m: Float64Array,
  v: Float64Array,
  gradient: ArrayLike<number>,
  o: AdamwSettings,
): void {
  for (let i = 0; i < w.length; i++) {
    const g = gradient[i]!;
    w[i]! *= 1 - o.lr * o.weightDecay;
    m[i] = o.beta1 * m[i]! + (1 - o.beta1) * g;
    v[i] = o.beta2 * v[i]! + (1 - o.beta2) * g * g;
    const mean = m[i]! / (1 - o.beta1 ** o.step);
    const variance = v[i]! / (1 - o.beta2 ** o.step);
    w[i]! -= (o.lr * mean) / (Math.sqrt(variance) + o.eps);
  }
}

/** Norm over all elements, and the factor that clips it to `maxNorm`. */
export function clipReference(gradient: ArrayLike<number>, maxNorm: number) {
  let sum = 0;
  for (let i = 0; i < gradient.length; i++) sum += gradient[i]! ** 2;
  const norm = Math.sqrt(sum);
  return { norm, factor: Math.min(1, maxNorm / (norm + 1e-6)) };
}
