// Quantises weights as this project does and lays them out as ONNX Runtime's MatMulNBits reads them: groups of 32 with a scale
// each, quants of four bits two a byte, the first in the low half, without their offset.
// Source: docs/ContribOperators.md of ONNX Runtime, com.microsoft.MatMulNBits.

import { dequantiseRows, quantiseRows } from '../../src/model/quantization';

const GROUP = 32;

/** A matrix for MatMulNBits. */
export interface OnnxBits {
  /** u8 [n, k / 32, 16 or 32] */
  readonly quants: Uint8Array<ArrayBuffer>;
  /** f32 [n · k / 32] */
  readonly scales: Float32Array<ArrayBuffer>;
  readonly attributes: {
    readonly K: number;
    readonly N: number;
    readonly bits: 4 | 8;
    readonly block_size: number;
  };
  /** Our form of the same. */
  readonly planes: readonly Uint32Array<ArrayBuffer>[];
  /** What both stand for, [n, k]. */
  readonly values: Float32Array<ArrayBuffer>;
}

/** Quantises a matrix [n, k], k a multiple of 32. @throws Error for a value that is not finite */
export function onnxBits(source: Float32Array, k: number, bits: 4 | 8): OnnxBits {
  const format = bits === 4 ? 'int4' : 'int8';
  const rows = quantiseRows(source, k, format);
  if (rows === null) throw new Error('The weights are not finite.');
  const values = dequantiseRows(rows, k, format);
  const scales = new Float32Array(Uint32Array.from(rows.scales, (half) => half << 16).buffer);
  const offset = 2 ** (bits - 1);
  const quants = new Uint8Array((source.length * bits) / 8);
  for (let at = 0; at < source.length; at++) {
    const scale = scales[Math.floor(at / GROUP)] as number;
    const q = offset + (scale === 0 ? 0 : Math.round((values[at] as number) / scale));
    if (bits === 8) quants[at] = q;
    else quants[at >> 1] = (quants[at >> 1] as number) | (q << (4 * (at & 1)));
  }
  const halves = new Uint16Array(2 * Math.ceil(rows.scales.length / 2));
  halves.set(rows.scales);
  return {
    ...{ quants, scales, values, planes: [rows.quants, new Uint32Array(halves.buffer)] },
    attributes: { K: k, N: source.length / k, bits, block_size: GROUP },
  };
}
