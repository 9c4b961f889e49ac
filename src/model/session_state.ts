// The sizes of a generation session and the device state that comes from them: what is allocated once, before the
// first prompt.

import type { GpuScope } from '../gpu/gpu_scope';
import type { CacheFormat, CacheShape } from '../kernels/cache_shape';
import { packStop, SAMPLING_WORDS, type SamplerReach } from '../kernels/sampler';
import { KEY_CLASSES, SEQUENCE_WORDS } from '../kernels/sequence_words';
import { allocateTensor, writeTensor } from '../tensor/tensor_memory';
import type { SequenceState } from './decode_program';
import type { ImageEncoder } from './image_encoder';
import { linearRopeTables } from './rope_index';
import type { ModelSpec } from './spec';

/** Attention to record while decoding. */
export interface CaptureOptions {
  /** Layers whose maps over image tokens are kept; class masses are always kept for all layers. */
  readonly mapLayers: readonly number[] | 'all';
}

/** Size of a session; memory is allocated for it once. */
export interface SessionOptions {
  readonly batch: number;
  /** Tokens per sequence, prompt included unless it is shared. */
  readonly capacity: number;
  readonly capture?: CaptureOptions | undefined;
  /** Image tokens per prompt that maps can hold; needed with maps. */
  readonly maxImageTokens?: number | undefined;
  /** Steps submitted before the result of one is read; default 2. */
  readonly stepsAhead?: number | undefined;
  /** What the sampler is compiled for at first, default `greedy`; it grows with what is asked. */
  readonly reach?: SamplerReach | undefined;
  /** Ids that end a sequence; default those of the model's config. */
  readonly eosTokenIds?: readonly number[] | undefined;
  /** Prompts that `prefillShared` can hold besides the sequences, of up to `capacity` tokens each; by default none. */
  readonly prefixes?: { readonly count: number; readonly capacity: number } | undefined;
  /** Features shared with others; default an encoder of its own. */
  readonly images?: ImageEncoder | undefined;
}

/** What one step produced. */
export interface StepResult {
  /** 0 is the token sampled by the prompt pass. */
  readonly step: number;
  /** [B] newly sampled ids. */
  readonly ids: Uint32Array;
  /** Per sequence: finished with this token or before. */
  readonly done: readonly boolean[];
  /** [B, layers, 5] class masses, mean over heads, of the query that is the previous generated token. */
  readonly shares?: Float32Array;
  /** [B, mapLayers, mapSize] probability of each image token, mean over heads; same query. */
  readonly map?: Float32Array;
}

/** The cache of a session: a slot for each sequence, and one for each prompt that they share. */
export function cacheShape(
  { batch: slots, capacity, prefixes }: SessionOptions,
  format: CacheFormat,
): CacheShape {
  const { count, capacity: prefixCapacity } = prefixes ?? { count: 0, capacity: 0 };
  return { slots, capacity, prefixes: count, prefixCapacity, format };
}

/** Bytes that the host reads per step: the sequences' state, masses of all layers, maps of some. */
export function resultBytes(
  { batch, capture, maxImageTokens = 0 }: SessionOptions,
  mapLayers: number,
  layers: number,
): number {
  const shares = capture ? batch * layers * KEY_CLASSES : 0;
  return 4 * (SEQUENCE_WORDS * batch + shares + batch * mapLayers * maxImageTokens);
}

/** Allocates the state of a session's sequences and fills in what never changes: rotary tables and end tokens. */
export function createSequenceState(
  scope: GpuScope,
  config: ModelSpec,
  { batch, capacity, prefixes, eosTokenIds = config.eosTokenIds }: SessionOptions,
): SequenceState {
  const { text } = config;
  // A shared prompt and its completion have a capacity each.
  const positions = Math.min(capacity + (prefixes?.capacity ?? 0), text.maxPositionEmbeddings);
  const tables = linearRopeTables(0, positions, text);
  const state: SequenceState = {
    sequences: allocateTensor(scope, 'sequences', [batch, SEQUENCE_WORDS], 'u32'),
    sampling: allocateTensor(scope, 'sampling', [batch, SAMPLING_WORDS], 'u32'),
    seen: allocateTensor(scope, 'seen', [batch, Math.ceil(text.vocabSize / 32)], 'u32'),
    stop: allocateTensor(scope, 'stop', [eosTokenIds.length + 2], 'u32'),
    ids: allocateTensor(scope, 'ids', [batch], 'u32'),
    cos: allocateTensor(scope, 'text cos', [positions, tables.width], 'f32'),
    sin: allocateTensor(scope, 'text sin', [positions, tables.width], 'f32'),
  };
  // What a finished sequence yields is not read: any id will do where the model names none.
  const [pad = 0] = config.padTokenId === null ? eosTokenIds : [config.padTokenId];
  const stop = packStop(pad, eosTokenIds);
  writeTensor(scope.gpu, state.stop, stop);
  writeTensor(scope.gpu, state.cos, tables.cos);
  writeTensor(scope.gpu, state.sin, tables.sin);
  return state;
}
