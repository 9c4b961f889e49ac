// Says which entries of a vision tower's table of learned positions each patch blends, and by which weights: data for the
// kernel that blends rows.
import type { GridThw } from '../data/image/image_processor';
import { BLEND_TAPS } from '../kernels/blend_rows';
import { ModelError } from '../lib/errors';
import { patchPositions } from './rope_index';
import type { PositionTableSpec } from './spec';

/** Four entries per row and their weights, which sum to 1; rows of padding have weight 0. */
export interface PositionTaps {
  /** u32 [rows, 4] */
  readonly index: Uint32Array;
  /** f32 [rows, 4] */
  readonly weights: Float32Array;
}

/** The entries on both sides of a place on one axis, and how far it lies towards the second. */
interface Between {
  readonly low: number;
  readonly high: number;
  readonly share: number;
}

/**
 * A row or column of an image with `count` of them, on a table with `side`: corners lie on corners. The place is computed
 * in f32, as torch's linspace does: forward from 0 in the first half, backward from the end in the second.
 */
function stretch(at: number, count: number, side: number): Between {
  const last = side - 1;
  const step = count > 1 ? Math.fround(last / (count - 1)) : 0;
  const place =
    at < Math.floor(count / 2)
      ? Math.fround(at * step)
      : Math.fround(last - Math.fround((count - 1 - at) * step));
  const low = count > 1 ? Math.floor(place) : 0;
  return { low, high: Math.min(low + 1, last), share: count > 1 ? Math.fround(place - low) : 0 };
}

/**
 * Taps of every row of a run.
 * @param mergeSize patches per merged token along each axis, which orders the images' rows
 * @param order     row r of the run is patch order[r] of the images
 * @throws ModelError `model/image` when a grid exceeds a table that is read exactly
 * @source Qwen3-VL: fast_pos_embed_interpolate; Idefics3: position ids of a full image
 */
export function positionTaps(
  grids: readonly GridThw[],
  { side, reading }: PositionTableSpec,
  mergeSize: number,
  order: Uint32Array,
): PositionTaps {
  const places = patchPositions(grids, mergeSize);
  const sizes = grids.flatMap(([t, h, w]) => new Array<readonly [number, number]>(t * h * w).fill([h, w]));
  const taps = {
    index: new Uint32Array(BLEND_TAPS * order.length),
    weights: new Float32Array(BLEND_TAPS * order.length),
  };
  order.forEach((patch, row) => {
    const size = sizes[patch];
    if (!size) return;
    const axes = [0, 1].map((axis): Between => {
      const [at, count] = [places[2 * patch + axis] as number, size[axis] as number];
      if (reading === 'bilinear') return stretch(at, count, side);
      if (count > side) {
        const message = `An image of ${size.join(' × ')} patches exceeds the tower's ${side} × ${side} positions.`;
        throw new ModelError('model/image', message, { grid: size, side });
      }
      return { low: at, high: at, share: 0 };
    });
    const [y, x] = axes as [Between, Between];
    taps.index.set(
      [y.low * side + x.low, y.low * side + x.high, y.high * side + x.low, y.high * side + x.high],
      BLEND_TAPS * row,
    );
    const weights = [
      (1 - y.share) * (1 - x.share),
      (1 - y.share) * x.share,
      y.share * (1 - x.share),
      y.share * x.share,
    ];
    taps.weights.set(weights, BLEND_TAPS * row);
  });
  return taps;
}
