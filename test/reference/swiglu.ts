// SwiGLU in f64 on a fused [rows, 2 * cols] gate-and-up matrix.
import { ACTIVATIONS } from './activation';

const silu = ACTIVATIONS.silu!;

/** y [rows, cols]. */
export function swigluReference(gu: ArrayLike<number>, cols: number): Float64Array {
  return Float64Array.from({ length: gu.length / 2 }, (_, i) => {
    const g = Math.floor(i / cols) * 2 * cols + (i % cols);
    return silu.f(gu[g]!) * gu[g + cols]!;
  });
}

/** dgu [rows, 2 * cols] given dy. */
export function swigluBackwardReference(
  gu: ArrayLike<number>,
  cols: number,
  dy: ArrayLike<number>,
): Float64Array {
  const dgu = new Float64Array(gu.length);
  for (let i = 0; i < dy.length; i++) {
    const g = Math.floor(i / cols) * 2 * cols + (i % cols);
    dgu[g] = dy[i]! * gu[g + cols]! * silu.df(gu[g]!);
    dgu[g + cols] = dy[i]! * silu.f(gu[g]!);
  }
  return dgu;
}
