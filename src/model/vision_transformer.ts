// Traces the vision tower of Qwen2.5-VL over packed patches: patch embedding, then blocks of windowed and full
// attention. `visionLayout` computes positions, windows and the run order as data; rows run in window order from the
// first node to the merger (modality_projector.ts), which puts them back.

import type { GridThw } from '../data/image/image_processor';
import { ShapeError } from '../lib/errors';
import { itemAt } from '../lib/invariant';
import { attention } from '../tensor/ops/attention';
import { linear } from '../tensor/ops/linear';
import { rmsNorm } from '../tensor/ops/rms_norm';
import { splitRotary } from '../tensor/ops/split_rotary';
import { swiglu } from '../tensor/ops/swiglu';
import { reshape, type Tensor, type Trace } from '../tensor/trace';
import type { VisionConfig } from './config';
import { getCuFull, getWindowIndex, visionRopeTables } from './rope_index';
import type { WeightSource } from './weights';

/** Names an intermediate tensor for tests and parity; the tensor then stays readable. */
export type Tap = (name: string, tensor: Tensor) => void;

/** Host arrays that steer one run of the tower over `rows` packed patch rows (padding rows at the end). */
export interface VisionLayout {
  /** Patch rows in run order: row r of the run is row order[r] of pixel_values. */
  readonly order: Uint32Array;
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  readonly rotaryRows: Uint32Array;
  readonly windowRanges: Uint32Array;
  readonly fullRanges: Uint32Array;
  /** Merged row m of the output is merged row mergedOrder[m] of the run. */
  readonly mergedOrder: Uint32Array;
  /** Live merged tokens. */
  readonly mergedTokens: number;
}

function rangesOf(cu: Int32Array, rows: number): Uint32Array {
  const ranges = new Uint32Array(4 * rows);
  for (let segment = 0; segment + 1 < cu.length; segment++) {
    const begin = itemAt(cu, segment);
    const end = itemAt(cu, segment + 1);
    for (let row = begin; row < end; row++) ranges.set([0, 0, begin, end], 4 * row);
  }
  return ranges;
}

/**
 * Run order, rotary tables and attention ranges of a list of images.
 * @param rows padded number of patch rows, ≥ the images' patches and a multiple of merge²
 */
export function visionLayout(grids: readonly GridThw[], vision: VisionConfig, rows: number): VisionLayout {
  const unit = vision.spatialMergeSize ** 2;
  const { windowIndex, cuWindow } = getWindowIndex(grids, vision);
  const live = windowIndex.length * unit;
  if (live > rows || rows % unit !== 0)
    throw new ShapeError(`${live} patch rows do not fit a bucket of ${rows}.`);
  const tables = visionRopeTables(grids, vision);
  const order = new Uint32Array(rows);
  const cos = new Float32Array(rows * tables.width);
  const sin = new Float32Array(rows * tables.width);
  const mergedOrder = new Uint32Array(rows / unit);
  for (let merged = 0; merged < rows / unit; merged++) {
    const source = merged < windowIndex.length ? itemAt(windowIndex, merged) : merged;
    mergedOrder[source] = merged;
    for (let inner = 0; inner < unit; inner++) {
      const from = source * unit + inner;
      const to = merged * unit + inner;
      order[to] = from;
      if (from >= live) continue;
      cos.set(tables.cos.subarray(from * tables.width, (from + 1) * tables.width), to * tables.width);
      sin.set(tables.sin.subarray(from * tables.width, (from + 1) * tables.width), to * tables.width);
    }
  }
  return {
    order,
    cos,
    sin,
    rotaryRows: Uint32Array.from({ length: rows }, (_, row) => row),
    windowRanges: rangesOf(cuWindow, rows),
    fullRanges: rangesOf(getCuFull(grids), rows),
    mergedOrder,
    mergedTokens: windowIndex.length,
  };
}

/** Copies patch rows into run order; padding rows are zero. */
export function orderPatches(
  pixelValues: Float32Array,
  order: Uint32Array,
  patchWidth: number,
): Float32Array {
  const ordered = new Float32Array(order.length * patchWidth);
  order.forEach((source, row) => {
    const from = source * patchWidth;
    if (from + patchWidth <= pixelValues.length)
      ordered.set(pixelValues.subarray(from, from + patchWidth), row * patchWidth);
  });
  return ordered;
}

/** Values per patch row: channels × frames × edge². */
export function patchWidth(vision: VisionConfig): number {
  return vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
}

/**
 * Traces the tower over `rows` patch rows. Declares the inputs `pixel_values`, `vision.cos`, `vision.sin`,
 * `vision.rotary_rows`, `vision.window_ranges` and `vision.full_ranges` (see {@link VisionLayout}).
 * @returns [rows, hidden] f32 in run order, before the merger
 * @source  Qwen2.5-VL technical report (arXiv:2502.13923), section 2.1.1
 */
export function visionTransformer(
  trace: Trace,
  vision: VisionConfig,
  weights: WeightSource,
  rows: number,
  tap?: Tap,
): Tensor {
  const { headDim, numHeads } = vision;
  const pixels = trace.input('pixel_values', [rows, patchWidth(vision)]);
  const rotary = {
    cos: trace.input('vision.cos', [rows, headDim / 2]),
    sin: trace.input('vision.sin', [rows, headDim / 2]),
    rows: trace.input('vision.rotary_rows', [rows], 'u32'),
  };
  const windowRanges = trace.input('vision.window_ranges', [rows, 4], 'u32');
  const fullRanges = trace.input('vision.full_ranges', [rows, 4], 'u32');
  let x = linear(trace, pixels, weights.matrix('model.visual.patch_embed.proj.weight'));
  tap?.('vit.patch_embed', x);
  for (let block = 0; block < vision.depth; block++) {
    const ranges = vision.fullattBlockIndexes.includes(block) ? fullRanges : windowRanges;
    const path = `model.visual.blocks.${block}`;
    const at = (name: string): Tensor => weights.vector(`${path}.${name}`);
    const project = (input: Tensor, name: string, residual?: Tensor): Tensor =>
      linear(trace, input, weights.matrix(`${path}.${name}.weight`), { bias: at(`${name}.bias`), residual });
    const normed = rmsNorm(trace, x, at('norm1.weight'), vision.rmsNormEps);
    const qkv = project(normed, 'attn.qkv');
    const heads = splitRotary(trace, qkv, { heads: numHeads, kvHeads: numHeads, headSize: headDim }, rotary);
    const { out } = attention(trace, heads, { ranges });
    const merged = reshape(out, [rows, vision.hiddenSize]);
    x = project(merged, 'attn.proj', x);
    const normed2 = rmsNorm(trace, x, at('norm2.weight'), vision.rmsNormEps);
    const gated = swiglu(trace, project(normed2, 'mlp.gate_up_proj'));
    x = project(gated, 'mlp.down_proj', x);
    tap?.(`vit.block.${block}`, x);
  }
  return x;
}
