// Traces the text decoder of a spec, for packed sequences (prompts, training) and for single decode steps. The two
// differ in their attention, which is passed in. Residual stream, norms and logits are f32 whatever the weights are.

import { byRows } from '../tensor/autodiff';
import { addRows, embed, type ImageFeatures, type TokenIds } from '../tensor/ops/embedding';
import { fusedLinear } from '../tensor/ops/fused_linear';
import { headNorm } from '../tensor/ops/head_norm';
import { linear } from '../tensor/ops/linear';
import { rmsNorm } from '../tensor/ops/rms_norm';
import type { Tensor, Trace } from '../tensor/trace';
import { type AdaptedLinearOptions, adaptedLinear } from './adapted_linear';
import type { ModelSpec, TextSpec } from './spec';
import type { Tap } from './vision_transformer';
import { embeddingName, LM_HEAD } from './weight_names';
import type { WeightSource } from './weights';

/**
 * Attention of one layer: receives the fused projection [T, (NH + 2·NKV)·HS] before the rotary embedding,
 * returns [T, NH·HS].
 */
export type LayerAttention = (qkv: Tensor, layer: number) => Tensor;

/** Traces one layer; calls `layer` at least once. */
export type LayerWrap = (input: Tensor, layer: (input: Tensor) => Tensor) => Tensor;

/**
 * Token embeddings with image features in place of image tokens.
 * @returns [T, hidden] f32
 */
export function embedTokens(
  trace: Trace,
  text: TextSpec,
  weights: WeightSource,
  ids: TokenIds,
  tokens: number,
  images?: ImageFeatures,
): Tensor {
  return embed(trace, weights.matrix(embeddingName(text)), ids, tokens, images);
}

/** Optional parts of the decoder's pass. */
export interface DecoderOptions {
  readonly tap?: Tap | undefined;
  /** Traces each layer, e.g. inside a checkpoint. */
  readonly wrap?: LayerWrap | undefined;
  /** Rows of the MLP that are computed at once, a multiple of 64; by default so many that memory stays small. */
  readonly sliceRows?: number | undefined;
  /** Features of the rows' images, for DeepStack; none when decoding. */
  readonly images?: ImageFeatures | undefined;
}

/**
 * All decoder layers. Behind the first of them the features of DeepStack are added to image tokens.
 * @param x [T, hidden] f32
 * @returns residual stream after the last layer, [T, hidden] f32, not yet normalised
 * @source  Qwen2.5 technical report (arXiv:2412.15115), Qwen2_5_VLDecoderLayer; Qwen3VLTextModel for DeepStack
 */
export function decoderLayers(
  trace: Trace,
  { text, connector }: Pick<ModelSpec, 'text' | 'connector'>,
  weights: WeightSource,
  x: Tensor,
  attend: LayerAttention,
  { tap, wrap = (input, layer) => layer(input), images, sliceRows }: DecoderOptions = {},
): Tensor {
  let stream = x;
  for (let layer = 0; layer < text.numHiddenLayers; layer++) {
    tap?.(`text.layer_in.${layer}`, stream);
    stream = wrap(stream, (input) => decoderLayer(trace, text, weights, input, layer, attend, sliceRows));
    // Row 0 of an image token's features took the place of its embedding; row k + 1 belongs behind layer k.
    if (images && layer < connector.taps.length) stream = addRows(trace, stream, images, layer + 1);
  }
  tap?.('text.pre_norm', stream);
  return stream;
}

/**
 * One decoder layer; see {@link decoderLayers}.
 * @param sliceRows rows of the MLP that are computed at once
 */
export function decoderLayer(
  trace: Trace,
  text: TextSpec,
  weights: WeightSource,
  x: Tensor,
  layer: number,
  attend: LayerAttention,
  sliceRows = mlpSliceRows(text),
): Tensor {
  const at = (name: string): string => `${text.prefix}layers.${layer}.${name}`;
  const norm = (name: string) => ({ weight: weights.vector(at(`${name}.weight`)), eps: text.rmsNormEps });
  const project = (input: Tensor, name: string, options: AdaptedLinearOptions = {}): Tensor =>
    adaptedLinear(trace, weights, input, at(`${name}.weight`), options);
  const bias = text.qkvBias ? weights.vector(at('self_attn.qkv_proj.bias')) : undefined;
  const projected = project(x, 'self_attn.qkv_proj', { bias, norm: norm('input_layernorm') });
  const qkv = text.qkNorm ? normHeads(trace, text, weights, projected, at) : projected;
  const attended = project(attend(qkv, layer), 'self_attn.o_proj', { residual: x });
  const mlp = (rows: Tensor, into: Tensor, firstRow: number): Tensor => {
    const options = { norm: norm('post_attention_layernorm'), gated: true, firstRow };
    const product = project(rows, 'mlp.gate_up_proj', options);
    return project(product, 'mlp.down_proj', { residual: rows, into, firstRow });
  };
  return byRows(trace, attended, text.hiddenSize, sliceRows, mlp);
}

/** The widest activations of a layer, gate and up, are kept below this by slices of rows. */
const SLICE_BYTES = 48 << 20;
/** Slices are whole numbers of this many rows, which keeps bindings aligned. */
const SLICE_UNIT = 64;

/**
 * Rows of the MLP that are computed at once.
 * @source Arctic Long Sequence Training (arXiv:2506.13996), TiledMLP: a rowwise part needs no more rows at once than keep the device busy
 */
export function mlpSliceRows({ intermediateSize }: Pick<TextSpec, 'intermediateSize'>): number {
  const rows = Math.floor(SLICE_BYTES / (4 * 2 * intermediateSize) / SLICE_UNIT) * SLICE_UNIT;
  return Math.max(SLICE_UNIT, rows);
}

/** Queries and keys of a fused projection, normalised head by head. */
function normHeads(
  trace: Trace,
  text: TextSpec,
  weights: WeightSource,
  qkv: Tensor,
  at: (name: string) => string,
): Tensor {
  return headNorm(
    trace,
    qkv,
    weights.vector(at('self_attn.q_norm.weight')),
    weights.vector(at('self_attn.k_norm.weight')),
    {
      heads: text.numAttentionHeads,
      kvHeads: text.numKeyValueHeads,
      headSize: text.headDim,
      eps: text.rmsNormEps,
    },
  );
}

function finalNorm(text: TextSpec, weights: WeightSource) {
  return { weight: weights.vector(`${text.prefix}norm.weight`), eps: text.rmsNormEps };
}

/**
 * Final norm of the residual stream.
 * @param x [R, hidden]
 */
export function normalise(trace: Trace, text: TextSpec, weights: WeightSource, x: Tensor): Tensor {
  const { weight, eps } = finalNorm(text, weights);
  return rmsNorm(trace, x, weight, eps);
}

/**
 * Final norm and output projection; of a few rows in one dispatch on software adapters, for which a dispatch and a norm by
 * itself are as much as a small model's product. A graphics card has variants for the product alone.
 * @param x [R, hidden] rows of the residual stream
 * @returns [R, V] f32 logits
 */
export function logits(trace: Trace, text: TextSpec, weights: WeightSource, x: Tensor, tap?: Tap): Tensor {
  const head = weights.matrix(LM_HEAD);
  if (trace.traits.software && !tap) {
    const fused = fusedLinear(trace, x, head, { norm: finalNorm(text, weights), modules: [] });
    if (fused) return fused;
  }
  const normed = normalise(trace, text, weights, x);
  tap?.('text.post_norm', normed);
  return linear(trace, normed, head, { name: 'logits' });
}
