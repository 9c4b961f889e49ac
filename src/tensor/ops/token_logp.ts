// The log-probability primitive: hidden × vocabulary → log-probability, logsumexp, entropy and argmax of each row's label.
// Logits live in one scratch chunk at a time and are recomputed in the reverse; the vocabulary matrix is frozen.
// SFT and every GRPO loss are small functions above this. Gradients flow through `logp` only.

import { elementwise } from '../../kernels/elementwise';
import { gemm } from '../../kernels/gemm';
import { tokenLogpBackward, tokenLogp as tokenLogpKernel } from '../../kernels/token_logp';
import { ShapeError } from '../../lib/errors';
import { elementCount, externalTensor, sizesOf, type Tensor, type Trace, tensorBytes } from '../trace';

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

interface Chunk {
  readonly first: number;
  readonly cols: number;
  readonly weight: Tensor;
}

// Rows of 128 make every chunk of the matrix start at a multiple of 256 bytes, whatever its width and format.
const CHUNK_ROWS = 128;

/** Views of the vocabulary matrix that fit a binding each, and whose logits fit the scratch. */
function chunksOf(weight: Tensor, rows: number, scratchBytes: number, bindingBytes: number): Chunk[] {
  const [vocab, width] = sizesOf(weight, 2);
  const rowBytes = tensorBytes({ shape: [width], dtype: weight.dtype });
  const fit = Math.floor(
    Math.min(Math.min(scratchBytes, bindingBytes) / (4 * rows), bindingBytes / rowBytes),
  );
  if (fit >= vocab || !weight.region) {
    if (fit < vocab) throw new ShapeError(`${weight.name} must be a stored weight to be read in chunks.`);
    return [{ first: 0, cols: vocab, weight }];
  }
  const size = Math.max(CHUNK_ROWS, Math.floor(fit / CHUNK_ROWS) * CHUNK_ROWS);
  const chunks: Chunk[] = [];
  for (let first = 0; first < vocab; first += size) {
    const cols = Math.min(size, vocab - first);
    const { buffer, offset } = weight.region;
    const region = { buffer, offset: offset + first * rowBytes, bytes: Math.ceil((cols * rowBytes) / 4) * 4 };
    chunks.push({
      first,
      cols,
      weight: externalTensor(`${weight.name} from ${first}`, [cols, width], weight.dtype, region),
    });
  }
  return chunks;
}

/**
 * @param hidden [R, d] f32, normalised hidden rows
 * @param weight [V, d] f32, bf16 or f16, frozen
 * @param labels i32 [R]; negative labels are ignored (logp 0, no gradient)
 * @throws ShapeError when widths differ or the weight trains
 * @source "Cut Your Losses" (arXiv:2411.09009), Liger-Kernel's fused linear cross entropy
 */
export function tokenLogps(
  trace: Trace,
  hidden: Tensor,
  weight: Tensor,
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
  const format = weight.dtype as 'f32' | 'bf16' | 'f16';
  const chunks = chunksOf(weight, rows, scratchBytes, trace.traits.maxBindingBytes);
  const logits = ({ cols, weight: part }: Chunk): Tensor => {
    const scratch = trace.activation('logits chunk', [rows, cols]);
    trace.emit(gemm({ m: rows, n: cols, k: width, mode: 'nt', weight: format }, trace.traits), [
      hidden,
      part,
      scratch,
    ]);
    return scratch;
  };
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
    trace.emit(call, [logits(chunk), labels, state, ...(last ? [logp, lse, entropy, argmax] : [])]);
  });
  trace.record({
    name: 'token_logps',
    inputs: [hidden],
    outputs: [logp],
    backward: (gradients, [dlogp]) => {
      if (!dlogp) return;
      const dHidden = trace.activation(`d${hidden.name}`, hidden.shape);
      trace.emit(elementwise({ kind: 'fill', count: rows * width, scale: 0 }, trace.traits), [dHidden]);
      for (const chunk of chunks) {
        const { cols, first } = chunk;
        const scratch = logits(chunk);
        trace.emit(tokenLogpBackward({ rows, cols, first, temperature }, trace.traits), [
          labels,
          lse,
          dlogp,
          scratch,
        ]);
        const product = gemm(
          { m: rows, n: width, k: cols, mode: 'nn', weight: format, accumulate: true },
          trace.traits,
        );
        trace.emit(product, [scratch, chunk.weight, dHidden]);
      }
      gradients.add(hidden, dHidden);
    },
  });
  return { logp, lse, entropy, argmax };
}
