// Supplies the tiny case on which a GEMM kernel is checked before its first use on a device: the same kernel text at
// small sizes. It catches drivers that compile a correct kernel wrongly; test/kernels/gemm.test.ts tests GEMM itself.

import type { KernelCheck } from '../gpu/kernel';
import { itemAt } from '../lib/invariant';
import type { ColumnWindow, GemmOptions } from './gemm';
import { isQuantised, QUANT_GROUP, type QuantFormat, type WeightFormat } from './weight_format';

/** Deterministic values in (-1, 1) that bf16 and f16 represent exactly: multiples of 1/64. */
function value(index: number): number {
  return (((index * 37 + 11) % 127) - 63) / 64;
}

/** Sizes with the same remainders, so that the same text is expanded; more than one tile of the small variants. */
export function smallOptions(o: GemmOptions): GemmOptions {
  const like = (base: number, size: number): number => base + (size % 4);
  // Windows of at most 43 columns that start at 4 to 7.
  const window = (given: ColumnWindow | undefined): ColumnWindow | undefined =>
    given && { line: like(52, given.line), first: like(4, given.first) };
  const [aWindow, cWindow] = [window(o.aWindow), window(o.cWindow)];
  return {
    ...o,
    m: o.m <= 8 ? o.m : like(36, o.m),
    n: like(40, o.n),
    // More than one group of quantised weights.
    k: like(isQuantised(o.weight) ? 36 : 20, o.k),
    ...{ aWindow, cWindow },
  };
}

function activate(x: number, kind: GemmOptions['activation']): number {
  if (kind === 'silu') return x / (1 + Math.exp(-x));
  if (kind === 'quick_gelu') return x / (1 + Math.exp(-1.702 * x));
  if (kind === 'gelu_tanh')
    return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  return kind === 'gelu' ? 0.5 * x * (1 + erf(x / Math.SQRT2)) : x;
}

/** erf by its Maclaurin series; good to 1e-9 up to 3.5, and 1 within 1e-6 beyond. */
function erf(x: number): number {
  if (Math.abs(x) > 3.5) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 80; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** A matrix in its planes, and the values that they stand for. */
interface StoredMatrix {
  readonly planes: readonly (Float32Array | Uint32Array)[];
  readonly values: Float32Array;
}

/** A matrix of such values in a storage format. */
export function storedMatrix(rows: number, width: number, weight: WeightFormat): StoredMatrix {
  if (isQuantised(weight)) return quantisedMatrix(rows, width, weight);
  const values = checkValues(rows * width, 5);
  return { planes: [pack(values, weight)], values };
}

/** Quants of all values, and scales that are powers of two. */
function quantisedMatrix(rows: number, width: number, weight: QuantFormat): StoredMatrix {
  const groups = Math.ceil(width / QUANT_GROUP);
  const bits = weight === 'int8' ? 8 : 4;
  const words = new Uint32Array(rows * groups * bits);
  const scales = new Uint32Array(Math.ceil((rows * groups) / 2));
  const values = new Float32Array(rows * width);
  for (let group = 0; group < rows * groups; group++) {
    const exponent = (group % 5) - 9 + (weight === 'int4' ? 4 : 0);
    const half = (exponent + 127) << 7;
    scales[group >> 1] = itemAt(scales, group >> 1) | (half << (16 * (group & 1)));
    const [row, first] = [Math.floor(group / groups), (group % groups) * QUANT_GROUP];
    for (let at = 0; at < QUANT_GROUP && first + at < width; at++) {
      const q = ((group * 7 + at * 37 + 11) % 2 ** bits) - 2 ** (bits - 1);
      const index = group * bits + ((weight === 'int8' ? at : at & 15) >> 2);
      const shift = 8 * (at & 3) + (weight === 'int4' && at >= 16 ? 4 : 0);
      const stored = weight === 'int8' ? q & 255 : q + 8;
      words[index] = itemAt(words, index) | (stored << shift);
      values[row * width + first + at] = q * 2 ** exponent;
    }
  }
  return { planes: [words, scales], values };
}

function pack(values: Float32Array, weight: WeightFormat): Float32Array | Uint32Array {
  if (weight === 'f32') return values;
  const words = new Uint32Array(Math.ceil(values.length / 2));
  const bits = new Uint32Array(values.buffer);
  values.forEach((x, index) => {
    const half = weight === 'bf16' ? itemAt(bits, index) >>> 16 : toF16(x);
    words[index >> 1] = itemAt(words, index >> 1) | (half << (16 * (index & 1)));
  });
  return words;
}

/** f16 bits of a multiple of 1/64 below 1 in size. */
function toF16(x: number): number {
  if (x === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(x)));
  const fraction = Math.round((Math.abs(x) / 2 ** exponent - 1) * 1024);
  return (x < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | fraction;
}

/** A matrix as the call sees it: element `column` of row `row`, and all that is stored. */
class Columns {
  readonly stored: Float32Array;
  readonly #line: number;
  readonly #first: number;

  constructor(rows: number, columns: number, window: ColumnWindow | undefined, offset: number) {
    this.#line = window?.line ?? columns;
    this.#first = window?.first ?? 0;
    this.stored = checkValues(rows * this.#line, offset);
  }

  index(row: number, column: number): number {
    return row * this.#line + this.#first + column;
  }

  at(row: number, column: number): number {
    return itemAt(this.stored, this.index(row, column));
  }
}

/** Deterministic values in (-1, 1). */
export function checkValues(count: number, offset: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => value(i + offset));
}

/** op(A) op(B) in f64. */
function product(o: GemmOptions, a: Columns, b: Float32Array, row: number, column: number): number {
  let sum = 0;
  for (let k = 0; k < o.k; k++) {
    const left = o.mode === 'tn' ? a.at(k, row) : a.at(row, k);
    sum += left * itemAt(b, o.mode === 'nt' ? column * o.k + k : k * o.n + column);
  }
  return sum;
}

/**
 * Operands and f64 result for {@link smallOptions}.
 * @param call the call of those small options
 */
export function gemmCheck(o: GemmOptions, variant: string, call: KernelCheck['call']): KernelCheck {
  const a = o.mode === 'tn' ? new Columns(o.k, o.m, o.aWindow, 0) : new Columns(o.m, o.k, o.aWindow, 0);
  const b = o.mode === 'nt' ? storedMatrix(o.n, o.k, o.weight) : storedMatrix(o.k, o.n, o.weight);
  const [residual, before] = [29, 41].map((offset) => new Columns(o.m, o.n, o.cWindow, offset)) as [
    Columns,
    Columns,
  ];
  const bias = new Columns(1, o.n, o.cWindow, 17);
  const expected = Float64Array.from(before.stored);
  for (let row = 0; row < o.m; row++) {
    for (let column = 0; column < o.n; column++) {
      const start = o.accumulate ? before.at(row, column) : 0;
      const sum = start + product(o, a, b.values, row, column) + (o.bias ? bias.at(0, column) : 0);
      expected[before.index(row, column)] =
        activate(sum, o.activation) + (o.residual ? residual.at(row, column) : 0);
    }
  }
  const operands = [
    a.stored,
    ...b.planes,
    ...(o.bias ? [bias.stored] : []),
    ...(o.residual ? [residual.stored] : []),
    before.stored,
  ];
  // At most 40 products below 4: f32 rounding stays under 2e-5; a wrong kernel is wrong by 1e-2 or more.
  return {
    variant: `gemm/${variant}`,
    call,
    operands,
    output: operands.length - 1,
    expected,
    tolerance: 1e-4,
  };
}
