// Reads Hugging Face's config.json, generation_config.json and preprocessor_config.json into typed settings. A needed
// key that is missing is an error that names it, because the libraries' own defaults differ between versions
// (exceptions stand beside the code); settings that the engine does not implement are refused. A returned config fits
// together: heads divide widths, sections fill the head, the towers match.
import type { QwenImageConfig } from '../data/image/image_processor';
import { ModelError } from '../lib/errors';
import { JsonReader } from '../lib/json_reader';

/** Text tower, decoder only (Qwen2 layout): RMSNorm, GQA, SwiGLU, multimodal rotary positions. */
export interface TextConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** Frequencies (of headDim / 2) that turn by the T, H and W stream: chunked in this order. */
  readonly mropeSection: readonly [number, number, number];
  readonly maxPositionEmbeddings: number;
}

/** Vision tower of Qwen2.5-VL: windowed attention, full attention in a few blocks, SwiGLU, RMSNorm. */
export interface VisionConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly depth: number;
  readonly numHeads: number;
  readonly headDim: number;
  readonly inChannels: number;
  /** Edge of a patch, pixels. */
  readonly patchSize: number;
  readonly temporalPatchSize: number;
  /** Patches per merged token along each axis. */
  readonly spatialMergeSize: number;
  /** Edge of an attention window, pixels. */
  readonly windowSize: number;
  /** Edge of an attention window, merged tokens. */
  readonly windowTokens: number;
  /** Blocks whose attention covers the whole frame. */
  readonly fullattBlockIndexes: readonly number[];
  readonly outHiddenSize: number;
  readonly ropeTheta: number;
  /** Fixed in the architecture, absent from the file. */
  readonly rmsNormEps: number;
}

/** A whole Qwen2.5-VL checkpoint's settings. */
export interface Qwen25VLConfig {
  readonly modelType: 'qwen2_5_vl';
  readonly text: TextConfig;
  readonly vision: VisionConfig;
  readonly imageTokenId: number;
  readonly videoTokenId: number;
  readonly visionStartTokenId: number;
  readonly visionEndTokenId: number;
  readonly bosTokenId: number | null;
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number | null;
  readonly tieWordEmbeddings: boolean;
}

/** Any supported model's settings; a union over `modelType`, one member so far. */
export type ModelConfig = Qwen25VLConfig;

/** Defaults for sampling as transformers applies them to keys that the file omits. */
export interface GenerationConfig {
  readonly doSample: boolean;
  readonly temperature: number;
  /** 0 = off. */
  readonly topK: number;
  /** 1 = off. */
  readonly topP: number;
  /** 0 = off. */
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number | null;
  readonly bosTokenId: number | null;
}

function reader(json: unknown, file: string): JsonReader {
  return new JsonReader(json, file, (message, key) => new ModelError('model/config', message, { file, key }));
}

function optionalId(json: JsonReader, key: string): number | null {
  return json.has(key) ? json.integer(key) : null;
}

function idList(json: JsonReader, key: string): number[] {
  if (!json.has(key)) return [];
  return Array.isArray(json.raw(key)) ? json.integers(key) : [json.integer(key)];
}

function readMropeSection(
  text: JsonReader,
  headDim: number,
): { theta: number; section: [number, number, number] } {
  const key = text.has('rope_parameters') ? 'rope_parameters' : 'rope_scaling';
  const rope: JsonReader = text.object(key);
  for (const kind of ['rope_type', 'type']) {
    const name = rope.has(kind) ? rope.string(kind) : 'default';
    if (name !== 'default' && name !== 'mrope')
      rope.fail(kind, `"${name}" is not supported (default, mrope)`);
  }
  const section = rope.integers('mrope_section', { min: 0, max: headDim });
  const [t, h, w] = section;
  if (t === undefined || h === undefined || w === undefined || section.length !== 3) {
    rope.fail('mrope_section', 'must have three entries');
  }
  if (t + h + w !== headDim / 2) {
    rope.fail('mrope_section', `must sum to half the head size (${headDim / 2}), not ${t + h + w}`);
  }
  const theta = key === 'rope_parameters' ? rope.number('rope_theta', true) : text.number('rope_theta', true);
  return { theta, section: [t, h, w] };
}

function parseText(text: JsonReader): TextConfig {
  const hiddenSize = text.integer('hidden_size', { min: 1 });
  const numAttentionHeads = text.integer('num_attention_heads', { min: 1 });
  const numKeyValueHeads = text.integer('num_key_value_heads', { min: 1 });
  if (numAttentionHeads % numKeyValueHeads !== 0) {
    text.fail(
      'num_key_value_heads',
      `(${numKeyValueHeads}) must divide num_attention_heads (${numAttentionHeads})`,
    );
  }
  // Qwen2 and Qwen2.5 derive the head size; the key appears only where it says the same.
  const headDim = text.has('head_dim')
    ? text.integer('head_dim', { min: 2 })
    : hiddenSize / numAttentionHeads;
  if (headDim * numAttentionHeads !== hiddenSize || headDim % 2 !== 0) {
    text.fail(
      'num_attention_heads',
      `(${numAttentionHeads}) must split hidden_size (${hiddenSize}) into even heads`,
    );
  }
  if (text.string('hidden_act') !== 'silu') text.fail('hidden_act', 'must be "silu"');
  if (text.has('use_sliding_window') && text.boolean('use_sliding_window')) {
    text.fail('use_sliding_window', 'is not supported');
  }
  const { theta, section } = readMropeSection(text, headDim);
  return {
    hiddenSize,
    intermediateSize: text.integer('intermediate_size', { min: 1 }),
    numHiddenLayers: text.integer('num_hidden_layers', { min: 1, max: 1024 }),
    numAttentionHeads,
    numKeyValueHeads,
    headDim,
    vocabSize: text.integer('vocab_size', { min: 1 }),
    rmsNormEps: text.number('rms_norm_eps', true),
    ropeTheta: theta,
    mropeSection: section,
    maxPositionEmbeddings: text.integer('max_position_embeddings', { min: 1 }),
  };
}

/** Released files say `in_chans`, later ones `in_channels`, some neither; the architecture knows RGB only. */
function checkChannels(vision: JsonReader): number {
  for (const key of ['in_channels', 'in_chans']) {
    if (vision.has(key) && vision.integer(key) !== 3) vision.fail(key, 'must be 3 (RGB)');
  }
  return 3;
}

function parseVision(vision: JsonReader): VisionConfig {
  const hiddenSize = vision.integer('hidden_size', { min: 1 });
  const numHeads = vision.integer('num_heads', { min: 1 });
  const headDim = hiddenSize / numHeads;
  // The 2-D rotary embedding splits a head into halves for row and column, each made of pairs.
  if (headDim % 4 !== 0) {
    vision.fail(
      'num_heads',
      `(${numHeads}) must split hidden_size (${hiddenSize}) into heads divisible by 4`,
    );
  }
  if (vision.string('hidden_act') !== 'silu') vision.fail('hidden_act', 'must be "silu"');
  const depth = vision.integer('depth', { min: 1, max: 1024 });
  const patchSize = vision.integer('patch_size', { min: 1, max: 4096 });
  const spatialMergeSize = vision.integer('spatial_merge_size', { min: 1, max: 64 });
  const windowSize = vision.integer('window_size', { min: 1 });
  const windowTokens = Math.floor(Math.floor(windowSize / spatialMergeSize) / patchSize);
  if (windowTokens < 1) vision.fail('window_size', `(${windowSize}) is smaller than one merged token`);
  // Only files of transformers 5 carry the axial theta; elsewhere it is a constant of the architecture.
  const ropeTheta = vision.has('rope_parameters')
    ? vision.object('rope_parameters').number('rope_theta', true)
    : 10000;
  return {
    hiddenSize,
    intermediateSize: vision.integer('intermediate_size', { min: 1 }),
    depth,
    numHeads,
    headDim,
    inChannels: checkChannels(vision),
    patchSize,
    temporalPatchSize: vision.integer('temporal_patch_size', { min: 1, max: 64 }),
    spatialMergeSize,
    windowSize,
    windowTokens,
    fullattBlockIndexes: vision.integers('fullatt_block_indexes', { max: depth - 1 }),
    outHiddenSize: vision.integer('out_hidden_size', { min: 1 }),
    ropeTheta,
    rmsNormEps: 1e-6,
  };
}

function parseQwen25VL(root: JsonReader): Qwen25VLConfig {
  // Released checkpoints keep the text keys at the top level, newer writers nest them.
  const textReader = root.has('text_config') ? root.object('text_config') : root;
  const text = parseText(textReader);
  const visionReader = root.object('vision_config');
  const vision = parseVision(visionReader);
  if (vision.outHiddenSize !== text.hiddenSize) {
    visionReader.fail(
      'out_hidden_size',
      `(${vision.outHiddenSize}) must equal the text hidden_size (${text.hiddenSize})`,
    );
  }
  const idRange = { max: text.vocabSize - 1 };
  const shared = (key: string): JsonReader => (root.has(key) ? root : textReader);
  const tie = shared('tie_word_embeddings');
  return {
    modelType: 'qwen2_5_vl',
    text,
    vision,
    imageTokenId: root.integer('image_token_id', idRange),
    videoTokenId: root.integer('video_token_id', idRange),
    visionStartTokenId: root.integer('vision_start_token_id', idRange),
    visionEndTokenId: root.integer('vision_end_token_id', idRange),
    bosTokenId: optionalId(shared('bos_token_id'), 'bos_token_id'),
    eosTokenIds: idList(shared('eos_token_id'), 'eos_token_id'),
    padTokenId: optionalId(shared('pad_token_id'), 'pad_token_id'),
    tieWordEmbeddings: tie.has('tie_word_embeddings') ? tie.boolean('tie_word_embeddings') : false,
  };
}

const PARSERS: ReadonlyMap<string, (root: JsonReader) => ModelConfig> = new Map([
  ['qwen2_5_vl', parseQwen25VL],
]);

/**
 * Parses a config.json, flat or nested. Throws ModelError `model/unsupported` for a model_type the engine does not
 * know and `model/config` for a missing or inconsistent key; `file` is used in messages.
 */
export function parseModelConfig(json: unknown, file = 'config.json'): ModelConfig {
  const root = reader(json, file);
  const modelType = root.string('model_type');
  const parse = PARSERS.get(modelType);
  if (parse === undefined) {
    const known = [...PARSERS.keys()].join(', ');
    throw new ModelError(
      'model/unsupported',
      `${file}: model_type "${modelType}" is not supported; supported: ${known}`,
      {
        file,
        modelType,
      },
    );
  }
  if (root.has('quantization_config'))
    root.fail('quantization_config', 'is not supported: load unquantised weights');
  return parse(root);
}

/**
 * Parses a generation_config.json. Keys that are absent take what transformers applies at generation: greedy,
 * temperature 1, top_k 50, top_p 1, penalty 1. Without an eos id the model config's ids are used.
 */
export function parseGenerationConfig(
  json: unknown,
  model: ModelConfig,
  file = 'generation_config.json',
): GenerationConfig {
  const root = reader(json, file);
  const number = (key: string, fallback: number): number => (root.has(key) ? root.number(key) : fallback);
  const config: GenerationConfig = {
    doSample: root.has('do_sample') ? root.boolean('do_sample') : false,
    temperature: number('temperature', 1),
    topK: root.has('top_k') ? root.integer('top_k') : 50,
    topP: number('top_p', 1),
    minP: number('min_p', 0),
    repetitionPenalty: number('repetition_penalty', 1),
    eosTokenIds: root.has('eos_token_id') ? idList(root, 'eos_token_id') : model.eosTokenIds,
    padTokenId: optionalId(root, 'pad_token_id') ?? model.padTokenId,
    bosTokenId: optionalId(root, 'bos_token_id') ?? model.bosTokenId,
  };
  if (config.temperature < 0) root.fail('temperature', 'must not be negative');
  if (config.topP < 0 || config.topP > 1) root.fail('top_p', 'must be in [0, 1]');
  if (config.minP < 0 || config.minP > 1) root.fail('min_p', 'must be in [0, 1]');
  if (config.repetitionPenalty <= 0) root.fail('repetition_penalty', 'must be positive');
  return config;
}

const MIN_PIXELS = 3136;
const MAX_PIXELS = 1003520;

/** min_pixels / max_pixels, or `size` with pixel counts under edge names as newer writers save it, or the defaults. */
function pixelLimits(root: JsonReader): { minPixels: number; maxPixels: number } {
  const size = root.has('size') ? root.object('size') : null;
  const limit = (key: string, edge: string, fallback: number): number => {
    if (root.has(key)) return root.integer(key, { min: 1 });
    if (size === null) return fallback;
    for (const name of [key, edge]) if (size.has(name)) return size.integer(name, { min: 1 });
    return fallback;
  };
  const minPixels = limit('min_pixels', 'shortest_edge', MIN_PIXELS);
  const maxPixels = limit('max_pixels', 'longest_edge', MAX_PIXELS);
  if (minPixels > maxPixels) root.fail('max_pixels', `(${maxPixels}) is less than min_pixels (${minPixels})`);
  return { minPixels, maxPixels };
}

/**
 * Parses the preprocessor_config.json of the Qwen family (or a processor_config.json that nests it). min_pixels and
 * max_pixels default to 3136 and 1003520, as the processor's code does; every other key must be in the file.
 */
export function parseQwenImageConfig(json: unknown, file = 'preprocessor_config.json'): QwenImageConfig {
  const outer = reader(json, file);
  const root = outer.has('image_processor') ? outer.object('image_processor') : outer;
  for (const key of ['do_resize', 'do_rescale', 'do_normalize', 'do_convert_rgb']) {
    if (root.has(key) && !root.boolean(key))
      root.fail(key, 'must be true: other pipelines are not implemented');
  }
  if (root.has('resample') && root.integer('resample') !== 3) root.fail('resample', 'must be 3 (bicubic)');
  const triple = (key: string): [number, number, number] => root.numbers(key, 3) as [number, number, number];
  const std = triple('image_std');
  if (std.some((value) => value <= 0)) root.fail('image_std', 'must be positive');
  return {
    patchSize: root.integer('patch_size', { min: 1, max: 4096 }),
    temporalPatchSize: root.integer('temporal_patch_size', { min: 1, max: 64 }),
    mergeSize: root.integer('merge_size', { min: 1, max: 64 }),
    ...pixelLimits(root),
    imageMean: triple('image_mean'),
    imageStd: std,
    // 1/255 is what the released files omit or spell out.
    rescaleFactor: root.has('rescale_factor') ? root.number('rescale_factor', true) : 1 / 255,
  };
}
