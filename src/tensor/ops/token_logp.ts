// The log-probability primitive: hidden × vocabulary → log-probability, logsumexp, entropy and argmax of each row's label.
// Logits live in one scratch chunk at a time and are recomputed in the reverse; the vocabulary matrix is frozen.
// SFT and every GRPO loss are small functions above this. Gradients flow through `logp` only.

import { tokenLogpBackward, tokenLogp as tokenLogpKernel } from '../../kernels/token_logp';
import { ShapeError } from '../../lib/errors';
import { elementCount, sizesOf, type Tensor, type Trace } from '../trace';
import { ROW_UNIT, rowsOf, type Weight, type WeightShard } from '../weight';
import { productByRows, sumOverRows } from './weight_product';

/** Per row, [R] each. */
export interface TokenLogps {
  readonly logp: Tensor;
  readonly lse: Tensor;
  readonly entropy: Tensor;
  /** u32 */
  readonly argmax: Tensor;
}

/** Settings of {@link tokenLogps}. */
export interface TokenLogpSettings {
  readonly temperature?: number;
  /** Largest scratch of logits; default 64 MiB. */
  readonly scratchBytes?: number;
}

/** Ids of the vocabulary, with the rows of the matrix that make their logits. */
interface Chunk {
  readonly first: number;
  readonly cols: number;
  readonly shards: readonly WeightShard[];
}

/** Chunks of the vocabulary whose logits fit the scratch and a binding. */
function chunksOf(weight: Weight, rows: number, scratchBytes: number): Chunk[] {
  const [vocab] = weight.shape;
  const fit = Math.floor(scratchBytes / (4 * rows));
  if (fit >= vocab) return [{ first: 0, cols: vocab, shards: weight.shards }];
  const size = Math.max(ROW_UNIT, Math.floor(fit / ROW_UNIT) * ROW_UNIT);
  const chunks: Chunk[] = [];
  for (let first = 0; first < vocab; first += size) {
    const cols = Math.min(size, vocab - first);
    chunks.push({ first, cols, shards: rowsOf(weight, first, cols) });
  }
  return chunks;
}

/** What forward and reverse share. */
interface Parts {
  readonly hidden: Tensor;
  readonly labels: Tensor;
  readonly chunks: readonly Chunk[];
  readonly rows: number;
  readonly width: number;
  readonly format: Weight['format'];
  readonly temperature: number;
}

/** Logits [R, cols] of one chunk of the vocabulary, in scratch. */
function logitsOf(trace: Trace, { hidden, rows, width, format }: Parts, { cols, shards }: Chunk): Tensor {
  const scratch = trace.activation('logits chunk', [rows, cols]);
  const product = { m: rows, k: width, weight: format };
  productByRows(trace, shards, cols, product, (planes) => [hidden, ...planes, scratch]);
  return scratch;
}

/** The gradient of the hidden rows, chunk by chunk. */
function reverse(trace: Trace, parts: Parts, lse: Tensor, dlogp: Tensor): Tensor {
  const { hidden, labels, chunks, rows, width, format, temperature } = parts;
  const dHidden = trace.activation(`d${hidden.name}`, hidden.shape);
  for (const chunk of chunks) {
    const { cols, first, shards } = chunk;
    const scratch = logitsOf(trace, parts, chunk);
    const call = tokenLogpBackward({ rows, cols, first, temperature }, trace.traits);
    trace.emit(call, [labels, lse, dlogp, scratch]);
    const product = { m: rows, n: width, weight: format, accumulate: first > 0 };
    sumOverRows(trace, shards, cols, product, (planes) => [scratch, ...planes, dHidden]);
  }
  return dHidden;
}

/**
 * @param hidden [R, d] f32, normalised hidden rows
 * @param weight [V, d], frozen
 * @param labels i32 [R]; negative labels are ignored (logp 0, no gradient)
 * @throws ShapeError when widths differ or the weight trains
 * @source "Cut Your Losses" (arXiv:2411.09009), Liger-Kernel's fused linear cross entropy
 */
export function tokenLogps(
  trace: Trace,
  hidden: Tensor,
  weight: Weight,
  labels: Tensor,
  settings: TokenLogpSettings = {},
): TokenLogps {
  const [rows, width] = sizesOf(hidden, 2);
  if (weight.shape[1] !== width || elementCount(labels.shape) !== rows || weight.requiresGrad) {
    throw new ShapeError(
      `${weight.name} [${weight.shape.join(', ')}] with ${elementCount(labels.shape)} labels does not fit ${hidden.name} [${hidden.shape.join(', ')}], or trains.`,
    );
  }
  const { temperature = 1, scratchBytes = 64 << 20 } = settings;
  const { format } = weight;
  const chunks = chunksOf(weight, rows, Math.min(scratchBytes, trace.traits.maxBindingBytes));
  const parts: Parts = { hidden, labels, chunks, rows, width, format, temperature };
  const state = trace.activation('logp state', [rows, 5]);
  const logp = trace.activation('logp', [rows], 'f32', hidden.requiresGrad);
  const [lse, entropy] = [trace.activation('logsumexp', [rows]), trace.activation('entropy', [rows])];
  const argmax = trace.activation('argmax', [rows], 'u32');
  chunks.forEach((chunk, index) => {
    const last = index === chunks.length - 1;
    const call = tokenLogpKernel(
      { rows, cols: chunk.cols, first: chunk.first, temperature, last },
      trace.traits,
    );
    trace.emit(call, [
      logitsOf(trace, parts, chunk),
      labels,
      state,
      ...(last ? [logp, lse, entropy, argmax] : []),
    ]);
  });
  trace.record({
    name: 'token_logps',
    inputs: [hidden],
    outputs: [logp],
    backward: (gradients, [dlogp]) => {
      if (dlogp) gradients.add(hidden, reverse(trace, parts, lse, dlogp));
    },
  });
  return { logp, lse, entropy, argmax };
}
