// Quantises rows of f32 weights to groups of 32 neighbours with a scale each, and back; src/kernels/weight_format.ts
// describes the formats. Each group's scale is the least-squares fit that leaves the smallest error among a few roundings.

import { QUANT_GROUP, type QuantFormat, weightPlanes } from '../kernels/weight_format';
import { itemAt } from '../lib/invariant';

/** Rows in a quantised format, plane by plane. */
export interface QuantisedRows {
  readonly quants: Uint32Array<ArrayBuffer>;
  /** bf16 bit patterns. */
  readonly scales: Uint16Array<ArrayBuffer>;
}

/** How a group's scale is chosen: the largest magnitude over the largest quant, or the best of a small search. */
export type ScaleChoice = 'max' | 'search';

/** Quants reach from -limit - 1 to limit. */
const LIMIT: Readonly<Record<QuantFormat, number>> = { int8: 127, int4: 7 };
/**
 * Quants that the search gives to the value of largest magnitude; they are negative, where quants reach one further.
 * On pocket's weights these four leave 0.0820 of the norm, the largest magnitude alone 0.0982, nine candidates 0.0817; each
 * costs 8 ms of one core per million weights, beside 20 ms for the rest. int8 loses 0.0055 and has no search.
 */
const SEARCH: Readonly<Record<QuantFormat, readonly number[]>> = { int8: [], int4: [7.25, 7.75, 8.25, 8.75] };
/** Below, a bf16 scale would be subnormal, which devices may flush: such a group counts as zero. */
const SMALLEST_SCALE = 2 ** -126;

const word = new Float32Array(1);
const wordBits = new Uint32Array(word.buffer);

/** bf16 bits of the nearest value to x, or with `up` of the nearest that is at least as far from zero. */
function bf16Bits(x: number, up: boolean): number {
  word[0] = x;
  const bits = wordBits[0] as number;
  return (bits + (up ? 0xffff : 0x7fff + ((bits >>> 16) & 1))) >>> 16;
}

/** The value of bf16 bits. */
function bf16Value(bits: number): number {
  wordBits[0] = bits << 16;
  return word[0] as number;
}

/** Adding and subtracting it rounds a number below 2^51 to the nearest integer, ties to even. */
const ROUND = 1.5 * 2 ** 52;

/** The quant nearest to x. */
function nearest(x: number, limit: number): number {
  const q = x + ROUND - ROUND;
  return q > limit ? limit : q < -limit - 1 ? -limit - 1 : q;
}

/** Σ w q and Σ q² of the last roundings, kept here because the search runs for every 32 weights of a model. */
const sums = { wq: 0, qq: 0 };

function sumRoundings(group: Float64Array, inverse: number, limit: number): void {
  let wq = 0;
  let qq = 0;
  for (let i = 0; i < QUANT_GROUP; i++) {
    const w = group[i] as number;
    const q = nearest(w * inverse, limit);
    wq += w * q;
    qq += q * q;
  }
  sums.wq = wq;
  sums.qq = qq;
}

/**
 * The scale of a group, as bf16 bits: of roundings by a few steps, that with the smallest squared error after its own
 * least-squares fit s = Σ w q / Σ q², which leaves Σ w² - (Σ w q)² / Σ q².
 * @param largest the value of largest magnitude, with its sign
 * @source the search of llama.cpp's `make_qx_quants`, ggml-quants.c
 */
function groupScale(group: Float64Array, largest: number, format: QuantFormat, choice: ScaleChoice): number {
  const limit = LIMIT[format];
  const plain = bf16Bits(Math.abs(largest) / limit, true);
  if (bf16Value(plain) < SMALLEST_SCALE) return 0;
  if (choice === 'max' || SEARCH[format].length === 0) return plain;
  let [scale, gain] = [0, 0];
  for (const steps of SEARCH[format]) {
    sumRoundings(group, -steps / largest, limit);
    const found = (sums.wq * sums.wq) / sums.qq;
    if (found > gain) [scale, gain] = [sums.wq / sums.qq, found];
  }
  const bits = bf16Bits(scale, false);
  return Math.abs(bf16Value(bits)) < SMALLEST_SCALE ? plain : bits;
}

/** Packs the quants of a group into its words from `base` on. */
function packGroup(quants: Uint32Array, base: number, q: Int32Array, format: QuantFormat): void {
  const at = (i: number): number => q[i] as number;
  if (format === 'int8') {
    for (let i = 0; i < QUANT_GROUP; i += 4)
      quants[base + i / 4] =
        (at(i) & 255) | ((at(i + 1) & 255) << 8) | ((at(i + 2) & 255) << 16) | (at(i + 3) << 24);
    return;
  }
  for (let i = 0; i < QUANT_GROUP / 2; i += 4) {
    let packed = 0;
    for (let byte = 0; byte < 4; byte++)
      packed |= (at(i + byte) + 8 + ((at(16 + i + byte) + 8) << 4)) << (8 * byte);
    quants[base + i / 4] = packed;
  }
}

/**
 * Quantises rows.
 * @param values [rows, width] f32
 * @returns null when a value is not finite
 */
export function quantiseRows(
  values: Float32Array,
  width: number,
  format: QuantFormat,
  choice: ScaleChoice = 'search',
): QuantisedRows | null {
  const rows = values.length / width;
  const [words, groups] = weightPlanes(format, width).map(({ columns }) => columns) as [number, number];
  const quants = new Uint32Array(rows * words);
  const scales = new Uint16Array(rows * groups);
  const [limit, groupWords] = [LIMIT[format], words / groups];
  const group = new Float64Array(QUANT_GROUP);
  const q = new Int32Array(QUANT_GROUP);
  for (let index = 0; index < rows * groups; index++) {
    const first = (index % groups) * QUANT_GROUP;
    const begin = Math.floor(index / groups) * width + first;
    const count = Math.min(QUANT_GROUP, width - first);
    let largest = 0;
    for (let i = 0; i < QUANT_GROUP; i++) {
      const w = i < count ? (values[begin + i] as number) : 0;
      group[i] = w;
      if (!(Math.abs(w) <= Math.abs(largest))) largest = w;
      if (Number.isNaN(largest)) return null;
    }
    if (!Number.isFinite(largest)) return null;
    const bits = groupScale(group, largest, format, choice);
    scales[index] = bits;
    const inverse = bits === 0 ? 0 : 1 / bf16Value(bits);
    for (let i = 0; i < QUANT_GROUP; i++) q[i] = nearest((group[i] as number) * inverse, limit);
    packGroup(quants, index * groupWords, q, format);
  }
  return { quants, scales };
}

/** The values that quantised rows stand for, [rows, width]; exact. */
export function dequantiseRows(
  { quants, scales }: { readonly quants: Uint32Array; readonly scales: Uint16Array },
  width: number,
  format: QuantFormat,
): Float32Array<ArrayBuffer> {
  const groups = Math.ceil(width / QUANT_GROUP);
  const rows = scales.length / groups;
  const groupWords = quants.length / scales.length;
  const values = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < width; column++) {
      const group = row * groups + Math.floor(column / QUANT_GROUP);
      const at = column % QUANT_GROUP;
      wordBits[0] = (scales[group] as number) << 16;
      const index = group * groupWords + (format === 'int8' ? at >> 2 : (at & 15) >> 2);
      const shift = 8 * (at & 3) + (format === 'int4' && at >= 16 ? 4 : 0);
      const bits = (quants[index] as number) >>> shift;
      const q = format === 'int8' ? (bits << 24) >> 24 : (bits & 15) - 8;
      values[row * width + column] = itemAt(word, 0) * q;
    }
  }
  return values;
}
