// The vision tower and the prompt pass as programs: several prompts packed in segments, keys and values into the cache.
// Traces only; what the host writes is prompt_packing.ts, when is generation_session.ts.

import type { BufferRegion } from '../gpu/buffer_region';
import type { GpuContext } from '../gpu/device';
import { kvAppend } from '../kernels/kv_append';
import { attention } from '../tensor/ops/attention';
import { gatherRows } from '../tensor/ops/embedding';
import { splitRotary } from '../tensor/ops/split_rotary';
import { Program } from '../tensor/program';
import { externalTensor, reshape, type Tensor, type Trace, tensorBytes } from '../tensor/trace';
import type { ModelConfig } from './config';
import type { KvCache } from './kv_cache';
import { decoderLayers, embedTokens, logits } from './language_model';
import { modalityProjector } from './modality_projector';
import { type Tap, visionTransformer } from './vision_transformer';
import type { WeightSource } from './weights';

/** Everything traces need to know of a model on a device. */
export interface ModelOnDevice {
  readonly gpu: GpuContext;
  readonly config: ModelConfig;
  readonly weights: WeightSource;
}

/** A vision program with the features it writes. */
export interface VisionProgram {
  readonly program: Program;
  /** [rows / merge², hidden] f32, prompt order. */
  readonly features: Tensor;
  readonly rows: number;
  destroy(): void;
}

/** Allocates an external tensor of its own. */
export function allocateTensor(
  gpu: GpuContext,
  name: string,
  shape: readonly number[],
  dtype: 'f32' | 'u32',
): Tensor {
  const bytes = tensorBytes({ shape, dtype });
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const region: BufferRegion = { buffer: gpu.createBuffer(bytes, usage, name), offset: 0, bytes };
  return externalTensor(name, shape, dtype, region);
}

/**
 * Vision tower and projector over `rows` padded patch rows.
 * @param tap names intermediate tensors for parity
 */
export async function buildVisionProgram(
  { gpu, config, weights }: ModelOnDevice,
  rows: number,
  tap?: (trace: Trace) => Tap,
): Promise<VisionProgram> {
  const { vision } = config;
  const features = allocateTensor(
    gpu,
    'image features',
    [rows / vision.spatialMergeSize ** 2, vision.outHiddenSize],
    'f32',
  );
  const program = await Program.compile(gpu, `vision ${rows}`, (trace) => {
    const x = visionTransformer(trace, vision, weights, rows, tap?.(trace));
    modalityProjector(trace, vision, weights, x, features);
    trace.output('image_embeds', features);
  });
  const destroy = (): void => {
    program.destroy();
    if (features.region) gpu.destroyBuffer(features.region.buffer);
  };
  return { program, features, rows, destroy };
}

/** Shape of a prompt program. */
export interface PromptShape {
  /** Padded packed tokens over all sequences. */
  readonly tokens: number;
  /** Sequences; also the rows that reach the output projection unless `allRows`. */
  readonly batch: number;
  readonly allRows?: boolean;
}

/**
 * Traces the prompt pass: embeddings, decoder layers over packed segments, keys and values into the cache, logits of
 * the selected rows. Inputs: `ids`, `image_rows`, `cos`, `sin`, `rotary_rows`, `ranges`, `targets`, `last_rows`.
 * @returns logits [batch, V], or [tokens, V] with `allRows`
 */
export function tracePrompt(
  trace: Trace,
  { config, weights }: ModelOnDevice,
  shape: PromptShape,
  parts: { readonly cache?: KvCache | undefined; readonly features?: Tensor | undefined },
  tap?: Tap,
): Tensor {
  const { text } = config;
  const { tokens, batch } = shape;
  const layout = { heads: text.numAttentionHeads, kvHeads: text.numKeyValueHeads, headSize: text.headDim };
  const ids = trace.input('ids', [tokens], 'u32');
  const images = parts.features
    ? { features: parts.features, rows: trace.input('image_rows', [tokens], 'i32') }
    : undefined;
  const rotary = {
    cos: trace.input('cos', [tokens, text.headDim / 2]),
    sin: trace.input('sin', [tokens, text.headDim / 2]),
    rows: trace.input('rotary_rows', [tokens], 'u32'),
  };
  const ranges = trace.input('ranges', [tokens, 4], 'u32');
  const targets = parts.cache ? trace.input('targets', [tokens, 2], 'u32') : undefined;
  const x = embedTokens(trace, weights, { ids, stride: 1, offset: 0 }, tokens, images);
  const attend = (qkv: Tensor, layer: number): Tensor => {
    const heads = splitRotary(trace, qkv, layout, rotary);
    const slot = parts.cache?.layers[layer];
    if (slot && targets && parts.cache) {
      const call = kvAppend(
        { tokens, kvHeads: layout.kvHeads, headSize: layout.headSize, capacity: parts.cache.capacity },
        trace.traits,
      );
      trace.emit(call, [heads.k, heads.v, targets, slot.k, slot.v]);
    }
    const { out, lse } = attention(trace, heads, { ranges });
    tap?.(`q.${layer}`, heads.q);
    tap?.(`k.${layer}`, heads.k);
    tap?.(`v.${layer}`, heads.v);
    tap?.(`lse.${layer}`, lse);
    return reshape(out, [tokens, layout.heads * layout.headSize]);
  };
  const stream = decoderLayers(trace, text, weights, x, attend, tap);
  if (shape.allRows) return logits(trace, text, weights, stream, tap);
  const last = trace.input('last_rows', [batch], 'u32');
  return logits(trace, text, weights, gatherRows(trace, stream, last), tap);
}
