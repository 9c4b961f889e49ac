// Computes positions on the CPU: multimodal rope indices of a prompt, window order and segment bounds of the vision
// tower, and the cos/sin tables that the kernels read (M-RoPE for text, 2-D axial for vision). The tables follow
// torch's float32 recipe step by step: a float64 angle differs from it by 1e-4 at position 3000, and WGSL's own sin
// is good to 2^-11 only. They have half width [rows, headDim / 2]; channel k pairs with k + headDim / 2
// (rotate_half).
import type { GridThw } from '../data/image/image_processor';
import { ModelError, ShapeError } from '../lib/errors';
import { itemAt } from '../lib/invariant';
import type { ModelSpec, TextSpec, VisionSpec } from './spec';

/** cos and sin, each [rows, width] row-major f32. */
export interface RopeTables {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  readonly rows: number;
  readonly width: number;
}

/** Rope positions of one prompt. */
export interface RopeIndex {
  /** [3, T]: the T, H and W stream of every token, row-major. */
  readonly positionIds: Int32Array;
  /**
   * Position of a later token = its index among the real (unpadded) tokens + delta; never positive. With `start`,
   * only what these tokens add to the delta of the turns before them.
   */
  readonly delta: number;
}

/** What getRopeIndex needs to know of the model. */
export interface RopeIndexIds {
  readonly imageTokenId: number;
  readonly videoTokenId: number | null;
  readonly spatialMergeSize: number;
}

/**
 * Positions of a prompt as its model counts them: M-RoPE, or every token's place in the prompt.
 * @throws ModelError `model/image-tokens` when image tokens and grids do not match
 */
export function promptPositions(
  ids: ArrayLike<number>,
  grids: readonly GridThw[],
  { imageTokenId, videoTokenId, text, vision: { spatialMergeSize } }: ModelSpec,
): RopeIndex {
  if (text.rope.kind === 'multimodal')
    return getRopeIndex(ids, grids, { imageTokenId, videoTokenId, spatialMergeSize });
  const found = Array.from(ids).filter((id) => id === imageTokenId).length;
  const needed = grids.reduce((sum, grid) => sum + gridTokens(grid, spatialMergeSize), 0);
  if (found !== needed)
    imageMismatch(`the prompt has ${found} image tokens; its ${grids.length} images need ${needed}`, {});
  const positionIds = Int32Array.from({ length: 3 * ids.length }, (_, at) => at % ids.length);
  return { positionIds, delta: 0 };
}

/** Tokens that an image of this grid occupies in the prompt (t * h * w / merge²). */
export function gridTokens(grid: GridThw, mergeSize: number): number {
  return (grid[0] * grid[1] * grid[2]) / (mergeSize * mergeSize);
}

function checkGrid(grid: GridThw, mergeSize: number): void {
  const good = grid.every((n) => Number.isSafeInteger(n) && n > 0);
  if (!good || grid[1] % mergeSize !== 0 || grid[2] % mergeSize !== 0) {
    throw new ShapeError(
      `image grid [${grid.join(', ')}] must be positive and divisible by merge size ${mergeSize}`,
    );
  }
}

function imageMismatch(message: string, data: Record<string, unknown>): never {
  throw new ModelError('model/image-tokens', message, data);
}

/**
 * Position streams of a prompt with still images (Qwen2-VL M-RoPE): text advances all three streams by one; an image
 * takes its rows and columns of merged tokens as H and W, and advances by the larger edge.
 * `mask` marks real tokens (1) in a padded row, left or right; padding gets position 0. `start` continues a
 * conversation. Throws ModelError `model/image-tokens` when image tokens and grids do not match one to one.
 */
export function getRopeIndex(
  ids: ArrayLike<number>,
  grids: readonly GridThw[],
  model: RopeIndexIds,
  options: { readonly mask?: ArrayLike<number>; readonly start?: number } = {},
): RopeIndex {
  const { mask, start = 0 } = options;
  const real: number[] = [];
  for (let i = 0; i < ids.length; i++) if (mask === undefined || mask[i] !== 0) real.push(i);
  const positionIds = new Int32Array(3 * ids.length);
  const put = (index: number, t: number, h: number, w: number): void => {
    positionIds[index] = t;
    positionIds[ids.length + index] = h;
    positionIds[2 * ids.length + index] = w;
  };
  let current = start;
  let image = 0;
  for (let at = 0; at < real.length; ) {
    const index = real[at] as number;
    const id = ids[index];
    if (id === model.videoTokenId)
      imageMismatch('video tokens are not supported: send still images', { at: index });
    if (id !== model.imageTokenId) {
      put(index, current, current, current);
      current += 1;
      at += 1;
      continue;
    }
    const grid = grids[image];
    if (grid === undefined)
      imageMismatch(`the prompt has more image tokens than its ${grids.length} images need`, {});
    checkGrid(grid, model.spatialMergeSize);
    if (grid[0] !== 1) imageMismatch(`image ${image} has ${grid[0]} frames: send still images`, { image });
    const rows = grid[1] / model.spatialMergeSize;
    const cols = grid[2] / model.spatialMergeSize;
    for (let cell = 0; cell < rows * cols; cell++) {
      const token = real[at + cell];
      if (token === undefined || ids[token] !== model.imageTokenId) {
        imageMismatch(`image ${image} needs ${rows * cols} image tokens, the prompt has ${cell}`, { image });
      }
      put(token, current, current + Math.floor(cell / cols), current + (cell % cols));
    }
    current += Math.max(rows, cols);
    at += rows * cols;
    image += 1;
  }
  if (image !== grids.length) {
    imageMismatch(`the prompt has image tokens for ${image} of ${grids.length} images`, { image });
  }
  return { positionIds, delta: current - start - real.length };
}

/** torch's float32 inverse frequencies theta^(-2k/dim) for k < count, every step rounded to f32. */
export function inverseFrequencies(theta: number, dim: number, count: number): Float32Array {
  const inverse = new Float32Array(count);
  for (let k = 0; k < count; k++) {
    inverse[k] = 1 / Math.fround(theta ** Math.fround((2 * k) / dim));
  }
  return inverse;
}

function fillTables(rows: number, width: number, angle: (row: number, k: number) => number): RopeTables {
  const cos = new Float32Array(rows * width);
  const sin = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < width; k++) {
      const a = Math.fround(angle(row, k));
      cos[row * width + k] = Math.cos(a);
      sin[row * width + k] = Math.sin(a);
    }
  }
  return { cos, sin, rows, width };
}

/** Text tables [T, HS / 2] for position streams [3, T], the stream of each frequency already selected. */
export function textRopeTables(
  positionIds: Int32Array,
  text: Pick<TextSpec, 'headDim' | 'rope'>,
): RopeTables {
  if (positionIds.length % 3 !== 0)
    throw new ShapeError(`position ids must be [3, T], got ${positionIds.length} values`);
  const tokens = positionIds.length / 3;
  const width = text.headDim / 2;
  const { theta, streams } = text.rope;
  const inverse = inverseFrequencies(theta, text.headDim, width);
  return fillTables(
    tokens,
    width,
    (row, k) => (positionIds[itemAt(streams, k) * tokens + row] as number) * (inverse[k] as number),
  );
}

/**
 * Text tables [positions, HS / 2] where all three streams are equal: for generated tokens, whose row is
 * `cache length + delta`.
 */
export function linearRopeTables(
  first: number,
  count: number,
  text: Pick<TextSpec, 'headDim' | 'rope'>,
): RopeTables {
  const width = text.headDim / 2;
  const inverse = inverseFrequencies(text.rope.theta, text.headDim, width);
  return fillTables(count, width, (row, k) => (first + row) * (inverse[k] as number));
}

/**
 * Row and column of every patch, [P, 2] row-major, in the row order of pixel_values: merge blocks in raster order,
 * patches in raster order inside a block, repeated for every frame; each image starts at (0, 0).
 */
export function patchPositions(grids: readonly GridThw[], mergeSize: number): Int32Array {
  for (const grid of grids) checkGrid(grid, mergeSize);
  const total = grids.reduce((sum, [t, h, w]) => sum + t * h * w, 0);
  const positions = new Int32Array(2 * total);
  let at = 0;
  for (const [frames, height, width] of grids) {
    for (let frame = 0; frame < frames; frame++) {
      for (let by = 0; by < height; by += mergeSize) {
        for (let bx = 0; bx < width; bx += mergeSize) {
          for (let y = by; y < by + mergeSize; y++) {
            for (let x = bx; x < bx + mergeSize; x++) {
              positions[at++] = y;
              positions[at++] = x;
            }
          }
        }
      }
    }
  }
  return positions;
}

/**
 * Vision tables [P, HS / 2] in the order of pixel_values: the first quarter of a head turns by the row, the second by
 * the column, with frequencies theta^(-2k / (HS / 2)). Without a theta nothing turns.
 */
export function visionRopeTables(
  grids: readonly GridThw[],
  vision: Pick<VisionSpec, 'headDim' | 'ropeTheta' | 'spatialMergeSize'>,
): RopeTables {
  const positions = patchPositions(grids, vision.spatialMergeSize);
  if (vision.ropeTheta === null) return fillTables(positions.length / 2, vision.headDim / 2, () => 0);
  const quarter = vision.headDim / 4;
  const inverse = inverseFrequencies(vision.ropeTheta, vision.headDim / 2, quarter);
  return fillTables(positions.length / 2, 2 * quarter, (row, k) =>
    k < quarter
      ? (positions[2 * row] as number) * (inverse[k] as number)
      : (positions[2 * row + 1] as number) * (inverse[k - quarter] as number),
  );
}

/** Order of merged tokens in which Qwen2.5-VL's blocks run, and the bounds of its windows. */
export interface WindowIndex {
  /** [P / merge²]: windowIndex[r] is the raster index (over all images) of the merged token at run position r. */
  readonly windowIndex: Int32Array;
  /** Bounds of the windows in patch rows of the run order: window i is [cu[i], cu[i + 1]). */
  readonly cuWindow: Int32Array;
}

/**
 * Windows of `edge`² merged tokens in raster order per frame, ragged at the right and bottom edge, never
 * padded. Patches keep their merge groups: the permutation moves groups of merge² rows.
 */
export function getWindowIndex(grids: readonly GridThw[], merge: number, edge: number): WindowIndex {
  const order: number[] = [];
  const cu = [0];
  let base = 0;
  for (const grid of grids) {
    checkGrid(grid, merge);
    const rows = grid[1] / merge;
    const cols = grid[2] / merge;
    for (let frame = 0; frame < grid[0]; frame++) {
      for (let wy = 0; wy < rows; wy += edge) {
        for (let wx = 0; wx < cols; wx += edge) {
          for (let y = wy; y < Math.min(wy + edge, rows); y++) {
            for (let x = wx; x < Math.min(wx + edge, cols); x++) order.push(base + y * cols + x);
          }
          cu.push(order.length * merge * merge);
        }
      }
      base += rows * cols;
    }
  }
  return { windowIndex: Int32Array.from(order), cuWindow: Int32Array.from(cu) };
}

/** Bounds of full attention in patch rows: one segment per frame. Valid in raster and in run order alike. */
export function getCuFull(grids: readonly GridThw[]): Int32Array {
  const cu = [0];
  let end = 0;
  for (const [frames, height, width] of grids) {
    for (let frame = 0; frame < frames; frame++) {
      end += height * width;
      cu.push(end);
    }
  }
  return Int32Array.from(cu);
}

/** inverse[windowIndex[r]] = r: brings merged rows from run order back to raster order. */
export function invertIndex(index: Int32Array): Int32Array {
  const inverse = new Int32Array(index.length);
  for (let r = 0; r < index.length; r++) inverse[index[r] as number] = r;
  return inverse;
}

/** Tables with rows moved to run order: groups of `groupRows` (merge²) rows follow `windowIndex`. */
export function permuteRopeTables(
  tables: RopeTables,
  windowIndex: Int32Array,
  groupRows: number,
): RopeTables {
  if (windowIndex.length * groupRows !== tables.rows) {
    throw new ShapeError(`window index of ${windowIndex.length} groups does not cover ${tables.rows} rows`);
  }
  const block = groupRows * tables.width;
  const move = (source: Float32Array): Float32Array => {
    const out = new Float32Array(source.length);
    for (let r = 0; r < windowIndex.length; r++) {
      const from = (windowIndex[r] as number) * block;
      out.set(source.subarray(from, from + block), r * block);
    }
    return out;
  };
  return { cos: move(tables.cos), sin: move(tables.sin), rows: tables.rows, width: tables.width };
}
