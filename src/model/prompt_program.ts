// The vision tower and the prompt pass as programs: several prompts packed in segments, keys and values into the cache.
// Traces only; what the host writes is prompt_packing.ts, when is generation_session.ts.

import type { GpuContext } from '../gpu/device';
import { inScope } from '../gpu/gpu_scope';
import { paddedHeadSize } from '../kernels/attention_shape';
import { kvAppend } from '../kernels/kv_append';
import { attention, cachedAttention } from '../tensor/ops/attention';
import { gatherRows, type ImageFeatures, type TokenIds } from '../tensor/ops/embedding';
import { type RotaryRows, splitRotary } from '../tensor/ops/split_rotary';
import { Program } from '../tensor/program';
import { allocateTensor } from '../tensor/tensor_memory';
import { reshape, type StoredTensor, type Tensor, type Trace } from '../tensor/trace';
import type { KvCache } from './kv_cache';
import { decoderLayers, embedTokens, type LayerAttention, logits } from './language_model';
import { modalityProjector } from './modality_projector';
import type { PackedPrompts } from './prompt_packing';
import { featureRows, type ModelSpec } from './spec';
import { type Tap, visionTransformer } from './vision_transformer';
import type { WeightSource } from './weights';

/** Everything traces need to know of a model on a device. */
export interface ModelOnDevice {
  readonly gpu: GpuContext;
  readonly config: ModelSpec;
  readonly weights: WeightSource;
}

/** A vision program with the features it writes. */
export interface VisionProgram {
  readonly program: Program;
  /** [rows / merge² · featureRows, hidden] f32, prompt order. */
  readonly features: StoredTensor;
  readonly rows: number;
  destroy(): void;
}

/**
 * Vision tower and projector over `rows` padded patch rows.
 * @param tap names intermediate tensors for parity
 */
export function buildVisionProgram(
  { gpu, config, weights }: ModelOnDevice,
  rows: number,
  tap?: (trace: Trace) => Tap,
): Promise<VisionProgram> {
  const { vision, connector } = config;
  const tokens = rows / vision.spatialMergeSize ** 2;
  const shape = [tokens * featureRows(connector), connector.outHiddenSize];
  return inScope(gpu, async (scope) => {
    const features = allocateTensor(scope, 'image features', shape, 'f32');
    const compiled = Program.compile(gpu, `vision ${rows}`, (trace) => {
      const named = tap?.(trace);
      const blocks = visionTransformer(trace, vision, weights, rows, named);
      modalityProjector(trace, config, weights, blocks, features, named);
      trace.output('image_embeds', features);
    });
    const program = scope.own(await compiled);
    return { program, features, rows, destroy: () => scope.destroy() };
  });
}

/** Shape of a prompt program. */
export interface PromptShape {
  /** Padded packed tokens over all sequences. */
  readonly tokens: number;
  /** Sequences; also the rows that reach the output projection unless `allRows`. */
  readonly batch: number;
  readonly allRows?: boolean;
}

/** What the host writes for packed sequences, as tensors; see prompt_packing.ts. */
export interface PromptInputs {
  readonly ids: TokenIds;
  readonly images: ImageFeatures | undefined;
  readonly rotary: RotaryRows;
  readonly ranges: Tensor;
}

/** Declares the inputs `ids`, `image_rows` (with features), `cos`, `sin`, `rotary_rows` and `ranges`. */
export function tracePromptInputs(
  trace: Trace,
  text: ModelSpec['text'],
  tokens: number,
  features: Tensor | undefined,
): PromptInputs {
  return {
    ids: { ids: trace.input('ids', [tokens], 'u32'), stride: 1, offset: 0 },
    images: features ? { features, rows: trace.input('image_rows', [tokens], 'i32') } : undefined,
    rotary: {
      cos: trace.input('cos', [tokens, text.headDim / 2]),
      sin: trace.input('sin', [tokens, text.headDim / 2]),
      rows: trace.input('rotary_rows', [tokens], 'u32'),
    },
    ranges: trace.input('ranges', [tokens, 4], 'u32'),
  };
}

/** Writes packed prompts to the inputs that a program declares. */
export function writePrompt(program: Program, { inputs }: PackedPrompts): void {
  for (const [name, data] of Object.entries(inputs)) if (program.hasInput(name)) program.write(name, data);
}

/** Head layout of a decoder's attention. */
function headLayout({ headDim, numAttentionHeads, numKeyValueHeads }: ModelSpec['text']) {
  return {
    heads: numAttentionHeads,
    kvHeads: numKeyValueHeads,
    headSize: headDim,
    headStride: paddedHeadSize(headDim),
  };
}

/** Takes each layer's turned keys and its values, e.g. into a cache. */
type KeyStore = (layer: number, k: Tensor, v: Tensor) => void;

/** Attention of packed sequences, for decoderLayers. */
export function traceAttention(
  trace: Trace,
  text: ModelSpec['text'],
  tokens: number,
  { rotary, ranges }: PromptInputs,
  store?: KeyStore,
  tap?: Tap,
): LayerAttention {
  const layout = headLayout(text);
  const { headSize } = layout;
  return (qkv, layer) => {
    const { q, k, v } = splitRotary(trace, qkv, layout, rotary);
    store?.(layer, k, v);
    const { out, lse } = attention(trace, { q, k, v, headSize }, { ranges });
    for (const [name, tensor] of Object.entries({ q, k, v, lse })) tap?.(`${name}.${layer}`, tensor);
    return reshape(out, [tokens, layout.heads * headSize]);
  };
}

/** Attention of the rows that go on behind what slot 0 of a cache holds; `store` puts theirs there first. */
function traceCachedAttention(
  trace: Trace,
  text: ModelSpec['text'],
  tokens: number,
  { rotary, ranges }: PromptInputs,
  cache: KvCache,
  store: KeyStore,
): LayerAttention {
  const layout = headLayout(text);
  return (qkv, layer) => {
    const { q, k, v } = splitRotary(trace, qkv, layout, rotary);
    store(layer, k, v);
    const out = cachedAttention(trace, q, cache.layer(layer), { ranges }, layout.headSize);
    return reshape(out, [tokens, layout.heads * layout.headSize]);
  };
}

/**
 * Traces the prompt pass: embeddings, decoder layers over packed segments, keys and values into the cache, logits of
 * the selected rows. Inputs: those of {@link tracePromptInputs}, `targets` with a cache, `last_rows`.
 * @param parts where keys and values go, image features; `continues`: the rows go on behind the keys of the cache's
 *              first slot (packed with `cached`)
 * @returns logits [batch, V], or [tokens, V] with `allRows`
 */
export function tracePrompt(
  trace: Trace,
  { config, weights }: ModelOnDevice,
  shape: PromptShape,
  parts: {
    readonly cache?: KvCache | undefined;
    readonly features?: Tensor | undefined;
    readonly continues?: boolean;
  },
  tap?: Tap,
): Tensor {
  const { text } = config;
  const { tokens, batch } = shape;
  const { cache } = parts;
  const inputs = tracePromptInputs(trace, text, tokens, parts.features);
  const targets = cache ? trace.input('targets', [tokens, 2], 'u32') : undefined;
  const store = (layer: number, k: Tensor, v: Tensor): void => {
    if (!cache || !targets) return;
    const { numKeyValueHeads: kvHeads, headDim } = text;
    const headSize = paddedHeadSize(headDim);
    const call = kvAppend({ tokens, kvHeads, headSize, cache: cache.shape }, trace.traits);
    const slot = cache.layer(layer);
    trace.emit(call, [k, v, targets, slot.k, slot.v]);
  };
  const x = embedTokens(trace, text, weights, inputs.ids, tokens, inputs.images);
  const attend =
    cache && parts.continues
      ? traceCachedAttention(trace, text, tokens, inputs, cache, store)
      : traceAttention(trace, text, tokens, inputs, store, tap);
  const stream = decoderLayers(trace, config, weights, x, attend, { tap, images: inputs.images });
  if (shape.allRows) return logits(trace, text, weights, stream, tap);
  const last = trace.input('last_rows', [batch], 'u32');
  return logits(trace, text, weights, gatherRows(trace, stream, last), tap);
}
