// Traces the vision tower of a spec over packed patches: patch embedding, then blocks of attention and MLP.
// `visionLayout` computes positions, windows and the run order as data; rows of a tower with windows run in window order
// from the first node to the merger (modality_projector.ts), which puts them back.

import type { GridThw } from '../data/image/image_processor';
import { BLEND_TAPS } from '../kernels/blend_rows';
import { ShapeError } from '../lib/errors';
import { defined, itemAt } from '../lib/invariant';
import { add } from '../tensor/ops/activation';
import { attention } from '../tensor/ops/attention';
import { blendRows } from '../tensor/ops/embedding';
import { layerNorm } from '../tensor/ops/layer_norm';
import { type LinearOptions, linear } from '../tensor/ops/linear';
import { rmsNorm } from '../tensor/ops/rms_norm';
import { type RotaryRows, splitRotary } from '../tensor/ops/split_rotary';
import { swiglu } from '../tensor/ops/swiglu';
import { reshape, sizeAt, type Tensor, type Trace } from '../tensor/trace';
import { adaptedLinear } from './adapted_linear';
import { type PositionTaps, positionTaps } from './position_table';
import { getCuFull, getWindowIndex, gridTokens, visionRopeTables } from './rope_index';
import type { NormSpec, VisionSpec } from './spec';
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
  /** Null for a tower without windows. */
  readonly windowRanges: Uint32Array | null;
  readonly fullRanges: Uint32Array;
  /** Merged row m of the run is merged row mergedRows[m] of the images, in order. */
  readonly mergedRows: Uint32Array;
  /** Entries of the table of positions that each row blends, and their weights; null for a tower without a table. */
  readonly positions: PositionTaps | null;
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
export function visionLayout(grids: readonly GridThw[], vision: VisionSpec, rows: number): VisionLayout {
  const { spatialMergeSize: merge, windows } = vision;
  const unit = merge ** 2;
  const windowed = windows ? getWindowIndex(grids, merge, windows.tokens) : null;
  const mergedTokens = grids.reduce((sum, grid) => sum + gridTokens(grid, merge), 0);
  const live = mergedTokens * unit;
  if (live > rows || rows % unit !== 0)
    throw new ShapeError(`${live} patch rows do not fit a bucket of ${rows}.`);
  const tables = visionRopeTables(grids, vision);
  const order = new Uint32Array(rows);
  const cos = new Float32Array(rows * tables.width);
  const sin = new Float32Array(rows * tables.width);
  const mergedRows = new Uint32Array(rows / unit);
  for (let merged = 0; merged < rows / unit; merged++) {
    const source = windowed && merged < mergedTokens ? itemAt(windowed.windowIndex, merged) : merged;
    mergedRows[merged] = source;
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
    windowRanges: windowed ? rangesOf(windowed.cuWindow, rows) : null,
    fullRanges: rangesOf(getCuFull(grids), rows),
    mergedRows,
    positions: vision.positions && positionTaps(grids, vision.positions, merge, order),
    mergedTokens,
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
export function patchWidth(vision: VisionSpec): number {
  return vision.inChannels * (vision.temporalPatchSize ?? 1) * vision.patchSize ** 2;
}

/** Norm of a vision tower or projector, by its module's name. */
export function normalise(
  trace: Trace,
  { kind, eps }: NormSpec,
  weights: WeightSource,
  x: Tensor,
  name: string,
): Tensor {
  const weight = weights.vector(`${name}.weight`);
  if (kind === 'rms') return rmsNorm(trace, x, weight, eps);
  return layerNorm(trace, x, weight, weights.vector(`${name}.bias`), eps);
}

/** What every block of a run shares: the rows' rotary angles and attention ranges. */
interface BlockInputs {
  readonly rotary: RotaryRows;
  readonly fullRanges: Tensor;
  readonly windowRanges: Tensor | undefined;
}

function declareBlockInputs(trace: Trace, { headDim, windows }: VisionSpec, rows: number): BlockInputs {
  return {
    rotary: {
      cos: trace.input('vision.cos', [rows, headDim / 2]),
      sin: trace.input('vision.sin', [rows, headDim / 2]),
      rows: trace.input('vision.rotary_rows', [rows], 'u32'),
    },
    windowRanges: windows ? trace.input('vision.window_ranges', [rows, 4], 'u32') : undefined,
    fullRanges: trace.input('vision.full_ranges', [rows, 4], 'u32'),
  };
}

/** One block: x + attention(norm x), then + MLP(norm of that). */
function visionBlock(
  trace: Trace,
  vision: VisionSpec,
  weights: WeightSource,
  x: Tensor,
  block: number,
  { rotary, fullRanges, windowRanges }: BlockInputs,
): Tensor {
  const { headDim, numHeads, names, mlp } = vision;
  const at = (name: string): string => `${vision.prefix}${names.blocks}.${block}.${name}`;
  const project = (input: Tensor, name: string, options: LinearOptions = {}): Tensor =>
    adaptedLinear(trace, weights, input, at(`${name}.weight`), {
      bias: weights.vector(at(`${name}.bias`)),
      ...options,
    });
  const norm = (input: Tensor, name: string): Tensor =>
    normalise(trace, vision.norm, weights, input, at(name));
  const layout = { heads: numHeads, kvHeads: numHeads, headSize: headDim };
  const heads = splitRotary(trace, project(norm(x, names.norm1), names.qkv), layout, rotary);
  const full = vision.windows?.fullBlocks.includes(block) ?? true;
  const { out } = attention(trace, heads, { ranges: full ? fullRanges : defined(windowRanges, 'windows') });
  const attended = project(reshape(out, [sizeAt(x, 0), vision.hiddenSize]), names.proj, { residual: x });
  const normed = norm(attended, names.norm2);
  const inner =
    mlp === 'swiglu'
      ? swiglu(trace, project(normed, names.mlpIn))
      : project(normed, names.mlpIn, { activation: mlp });
  return project(inner, names.mlpOut, { residual: attended });
}

/** Patch rows plus the learned positions of their places. */
function addPositions(
  trace: Trace,
  { prefix, names }: VisionSpec,
  weights: WeightSource,
  patches: Tensor,
  tap?: Tap,
): Tensor {
  const rows = sizeAt(patches, 0);
  const index = trace.input('vision.position_index', [rows, BLEND_TAPS], 'u32');
  const shares = trace.input('vision.position_weights', [rows, BLEND_TAPS]);
  const positions = blendRows(trace, weights.vector(`${prefix}${names.positions}.weight`), index, shares);
  tap?.('vit.pos_embed', positions);
  const placed = add(trace, patches, positions);
  tap?.('vit.embeddings', placed);
  return placed;
}

/**
 * Traces the tower over `rows` patch rows. Declares the inputs `pixel_values`, `vision.cos`, `vision.sin`,
 * `vision.rotary_rows`, `vision.full_ranges`, with windows `vision.window_ranges`, and with a table of positions
 * `vision.position_index` and `vision.position_weights` (see {@link VisionLayout}).
 * @param tap   names intermediate tensors
 * @returns outputs of all blocks, each [rows, hidden] f32 in run order
 * @source  Dosovitskiy et al. 2021 (arXiv:2010.11929); the families name their own
 */
export function visionTransformer(
  trace: Trace,
  vision: VisionSpec,
  weights: WeightSource,
  rows: number,
  tap?: Tap,
): Tensor[] {
  const pixels = trace.input('pixel_values', [rows, patchWidth(vision)]);
  const inputs = declareBlockInputs(trace, vision, rows);
  const patchEmbed = `${vision.prefix}${vision.names.patchEmbed}`;
  const patches = linear(trace, pixels, weights.matrix(`${patchEmbed}.weight`), {
    bias: vision.patchBias ? weights.vector(`${patchEmbed}.bias`) : undefined,
  });
  tap?.('vit.patch_embed', patches);
  let x = vision.positions ? addPositions(trace, vision, weights, patches, tap) : patches;
  return Array.from({ length: vision.depth }, (_, block) => {
    x = visionBlock(trace, vision, weights, x, block, inputs);
    tap?.(`vit.block.${block}`, x);
    return x;
  });
}
