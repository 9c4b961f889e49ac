// Traces low-rank updates of a linear layer, y[:, block] += strength · scale · (drop(x) Aᵀ) Bᵀ, with gradients of x,
// A and B. A fused projection takes one call per module, each on its own block of columns and with its own mask. y is
// updated in place before anything reads it; the mask follows from its stream and the draw's words, so that the
// reverse and a checkpoint's recomputation repeat it.

import { copyColumns } from '../../kernels/copy_columns';
import { dropout } from '../../kernels/dropout';
import { gemm } from '../../kernels/gemm';
import { ShapeError } from '../../lib/errors';
import {
  anyRequiresGrad,
  elementCount,
  type GradientSink,
  type StoredTensor,
  sizeAt,
  sizesOf,
  type Tensor,
  type Trace,
} from '../trace';

/** Dropout of a module's input; scaled up by 1 / (1 - p), so that the mean stays. */
export interface LoraDropout {
  /** Probability of dropping, from 0 to below 1. */
  readonly p: number;
  /** u32 [4]: seed (low, high), step, part of the step. New words draw a new mask with the next run. */
  readonly draw: Tensor;
  /** Number of the module: each drops on its own. */
  readonly stream: number;
}

/** One adapted module, as PEFT names its parts. */
export interface LoraModule {
  /** [r, in] f32 */
  readonly a: Tensor;
  /** [out, r] f32 */
  readonly b: Tensor;
  /** alpha / r, or alpha / sqrt(r) with rslora. */
  readonly scale: number;
  /** f32 [1]: 0 switches the adapter off, 1 is full strength. */
  readonly strength: Tensor;
  /** The adapter's arena, where A and B are parts of one; fused kernels read them there. */
  readonly arena?: StoredTensor;
  /** First column of the fused projection that this module owns. */
  readonly first: number;
  /** Absent outside training. */
  readonly dropout?: LoraDropout;
  /** The update is in the weight already: gradients of A and B are traced alone. Without dropout. */
  readonly merged?: boolean;
}

/**
 * x with the module's mask applied; itself without dropout. The same nodes each time, so that each use repeats the mask.
 * @param firstRow of x in the layer's whole input
 */
function dropped(trace: Trace, x: Tensor, module: LoraModule, firstRow: number): Tensor {
  if (!module.dropout) return x;
  const { p, draw, stream } = module.dropout;
  const first = firstRow * sizeAt(x, -1);
  const kept = trace.activation(`${module.a.name} dropped`, x.shape);
  trace.emit(dropout({ count: elementCount(x.shape), p, stream, first }, trace.traits), [x, draw, kept]);
  return kept;
}

interface LoraSizes {
  readonly tokens: number;
  /** Of the layer's input. */
  readonly width: number;
  /** Of the whole projection, and of the module's own block of it. */
  readonly columns: number;
  readonly out: number;
  readonly rank: number;
}

function sizesThatFit(x: Tensor, y: Tensor, { a, b, first }: LoraModule): LoraSizes {
  const [rank, width] = sizesOf(a, 2);
  const [out, rankB] = sizesOf(b, 2);
  const [tokens, columns] = sizesOf(y, 2);
  if (rank === rankB && width === x.shape[1] && first + out <= columns && tokens === x.shape[0])
    return { tokens, width, columns, out, rank };
  throw new ShapeError(
    `LoRA ${a.name} [${a.shape.join(', ')}] and ${b.name} [${b.shape.join(', ')}] do not fit ${y.name}.`,
  );
}

/**
 * Adds one module's update to `y` in place.
 * @param x [T, in] f32, input of the layer
 * @param y [T, N] f32, its output; not yet read by anything else
 * @param firstRow of x and y in the layer's whole input and output, where they are rows of those
 * @returns y, marked as differentiable when the module trains; use it in place of y from here on
 * @throws ShapeError when the module does not fit
 * @source Hu et al. 2021, arXiv:2106.09685; PEFT `lora.Linear`
 */
export function addLora(trace: Trace, x: Tensor, y: Tensor, module: LoraModule, firstRow = 0): Tensor {
  const { a, b, first, merged = false } = module;
  const sizes = sizesThatFit(x, y, module);
  if (merged && !anyRequiresGrad(a, b)) return y;
  const { tokens, width, columns, out, rank } = sizes;
  const { traits } = trace;
  const u = trace.activation(`${a.name} x`, [tokens, rank]);
  const input = dropped(trace, x, module, firstRow);
  trace.emit(gemm({ m: tokens, n: rank, k: width, mode: 'nt', weight: 'f32' }, traits), [input, a, u]);
  const scaled = scaledBy(trace, u, module);
  if (!merged) {
    const sum = { m: tokens, n: out, k: rank, mode: 'nt', weight: 'f32', accumulate: true } as const;
    trace.emit(gemm({ ...sum, cWindow: { line: columns, first } }, traits), [scaled, b, y]);
  }
  if (!anyRequiresGrad(x, a, b)) return y;
  const updated: Tensor = { ...y, requiresGrad: true };
  trace.record({
    name: 'lora',
    inputs: [x, a, b],
    // The linear layer's record owns y; this one reads the same gradient.
    outputs: [updated],
    backward: (gradients, [dy]) => {
      if (dy) reverse(trace, { x, u: scaled, dy }, module, { ...sizes, firstRow }, gradients);
    },
  });
  return updated;
}

/** strength · scale · u, for the narrow side of a product: its wide side is never copied. */
function scaledBy(trace: Trace, u: Tensor, { scale, strength }: LoraModule): Tensor {
  const [rows, cols] = sizesOf(u, 2);
  const whole = { rows, cols, sourceCols: cols, sourceFirst: 0, targetCols: cols, targetFirst: 0, scale };
  const scaled = trace.activation(`${u.name} scaled`, [rows, cols]);
  trace.emit(copyColumns(whole, trace.traits), [u, strength, scaled]);
  return scaled;
}

/** Gradients of x, A and B from that of y; `u` is the scaled input behind A. */
function reverse(
  trace: Trace,
  { x, u, dy }: Readonly<Record<'x' | 'u' | 'dy', Tensor>>,
  module: LoraModule,
  { tokens, width, columns, out, rank, firstRow }: LoraSizes & { readonly firstRow: number },
  gradients: GradientSink,
): void {
  const { a, b, first } = module;
  const { traits } = trace;
  const aWindow = { line: columns, first };
  const product = trace.activation(`d ${a.name} x`, [tokens, rank]);
  const back = { m: tokens, n: rank, k: out, mode: 'nn', weight: 'f32', aWindow } as const;
  trace.emit(gemm(back, traits), [dy, b, product]);
  const du = scaledBy(trace, product, module);
  if (b.requiresGrad) {
    const { into, accumulate } = gradients.sumOf(b);
    const outer = { m: out, n: rank, k: tokens, mode: 'tn', weight: 'f32', accumulate, aWindow } as const;
    trace.emit(gemm(outer, traits), [dy, u, into]);
  }
  if (a.requiresGrad) {
    const { into, accumulate } = gradients.sumOf(a);
    // Dropped again rather than kept: one cheap pass instead of an activation of x's size until here.
    const input = dropped(trace, x, module, firstRow);
    const call = gemm({ m: rank, n: width, k: tokens, mode: 'tn', weight: 'f32', accumulate }, traits);
    trace.emit(call, [du, input, into]);
  }
  // A merged update is part of the weight that the layer's own reverse multiplies by.
  if (x.requiresGrad && !module.merged) {
    const dx = trace.activation(`d${x.name}`, x.shape);
    trace.emit(gemm({ m: tokens, n: width, k: rank, mode: 'nn', weight: 'f32' }, traits), [du, a, dx]);
    // Dropout is a diagonal matrix: its reverse is itself.
    gradients.add(x, dropped(trace, dx, module, firstRow));
  }
}
