// Reads what the Qwen-VL families have in common: multimodal rotary sections, token ids, names, the image processor.
import type { QwenImageConfig } from '../../data/image/image_processor';
import { type PromptImageProcessor, qwenPromptImages } from '../../data/image/prompt_image';
import type { JsonReader } from '../../lib/json_reader';
import type {
  ConnectorSpec,
  ModelSpec,
  ProjectorLayer,
  TextRopeSpec,
  TextSpec,
  VisionNames,
  VisionSpec,
} from '../spec';
import { checkRopeKind, readDecoder, ropeReader } from './decoder';
import { idList, type ModelFamily, optionalId, readChannels, readNormalisation } from './family';

/** Canonical prefix of the text decoder's tensors. */
export const TEXT_PREFIX = 'model.language_model.';
/** Canonical prefix of the vision tower's tensors. */
export const VISION_PREFIX = 'model.visual.';

/** Every spelling that transformers has written: `visual.` and `model.` before 4.52, base-model dumps, and the newest. */
export const STORED_PREFIXES: ModelSpec['storedPrefixes'] = [
  [VISION_PREFIX, VISION_PREFIX],
  [TEXT_PREFIX, TEXT_PREFIX],
  ['visual.', VISION_PREFIX],
  ['language_model.', TEXT_PREFIX],
  ['model.', TEXT_PREFIX],
];

/** Names that all towers of the family share; the MLP's are the family's own. */
export const VISION_NAMES: Omit<VisionNames, 'mlpIn' | 'mlpOut'> = {
  patchEmbed: 'patch_embed.proj',
  positions: null,
  blocks: 'blocks',
  norm1: 'norm1',
  qkv: 'attn.qkv',
  proj: 'attn.proj',
  norm2: 'norm2',
};

/** Names of a merger's two layers. */
export function mergerLayers(
  names: readonly [string, string],
  merged: number,
  outputs: number,
): ProjectorLayer[] {
  return [
    { name: names[0], outputs: merged, bias: true, activation: 'gelu' },
    { name: names[1], outputs, bias: true, activation: 'none' },
  ];
}

/** Streams of the frequencies, chunk after chunk: first those of time, then of rows, then of columns. */
export function chunkedStreams(sections: readonly number[]): number[] {
  return sections.flatMap((count, stream) => new Array<number>(count).fill(stream));
}

/**
 * Streams of the frequencies, taken in turn: rows and columns have every third frequency, from the second and the third on,
 * while their sections last, and time has the rest (Qwen3-VL).
 */
export function interleavedStreams([, rows = 0, columns = 0]: readonly number[], count: number): number[] {
  return Array.from({ length: count }, (_, k) => {
    if (k % 3 === 1 && k < 3 * rows) return 1;
    return k % 3 === 2 && k < 3 * columns ? 2 : 0;
  });
}

/** The three sections of M-RoPE, which fill half a head. */
export function readSections(rope: JsonReader, headDim: number): [number, number, number] {
  const section = rope.integers('mrope_section', { min: 0, max: headDim });
  const [t, h, w] = section;
  if (t === undefined || h === undefined || w === undefined || section.length !== 3)
    rope.fail('mrope_section', 'must have three entries');
  if (t + h + w !== headDim / 2)
    rope.fail('mrope_section', `must sum to half the head size (${headDim / 2}), not ${t + h + w}`);
  return [t, h, w];
}

/**
 * M-RoPE of a text decoder.
 * @param streamsOf the stream of each frequency, by sections
 */
export function readMultimodalRope(
  text: JsonReader,
  headDim: number,
  streamsOf: (rope: JsonReader, sections: readonly [number, number, number]) => number[],
): TextRopeSpec {
  const { rope, theta } = ropeReader(text);
  if (!rope) text.fail('rope_scaling', 'is missing; it must be an object with mrope_section');
  checkRopeKind(rope, ['default', 'mrope']);
  return { theta, kind: 'multimodal', streams: streamsOf(rope, readSections(rope, headDim)) };
}

/** Only files of transformers 5 carry the axial theta; elsewhere it is a constant of the architecture. */
function readAxialTheta(vision: JsonReader): number {
  if (!vision.has('rope_parameters')) return 10000;
  const rope = vision.object('rope_parameters');
  checkRopeKind(rope, ['axial', 'default']);
  return rope.number('rope_theta', true);
}

/** What the towers of the family share: patches, heads, the 2-D rotary embedding. */
export function readPatches(
  vision: JsonReader,
  hiddenKey: string,
): Pick<
  VisionSpec,
  | 'prefix'
  | 'hiddenSize'
  | 'numHeads'
  | 'headDim'
  | 'inChannels'
  | 'depth'
  | 'patchSize'
  | 'temporalPatchSize'
  | 'spatialMergeSize'
  | 'ropeTheta'
> {
  const hiddenSize = vision.integer(hiddenKey, { min: 1 });
  const numHeads = vision.integer('num_heads', { min: 1 });
  const headDim = hiddenSize / numHeads;
  // The 2-D rotary embedding splits a head into halves for row and column, each made of pairs.
  if (headDim % 4 !== 0)
    vision.fail(
      'num_heads',
      `(${numHeads}) must split ${hiddenKey} (${hiddenSize}) into heads divisible by 4`,
    );
  return {
    prefix: VISION_PREFIX,
    hiddenSize,
    numHeads,
    headDim,
    inChannels: readChannels(vision),
    depth: vision.integer('depth', { min: 1, max: 1024 }),
    patchSize: vision.integer('patch_size', { min: 1, max: 4096 }),
    temporalPatchSize: vision.integer('temporal_patch_size', { min: 1, max: 64 }),
    spatialMergeSize: vision.integer('spatial_merge_size', { min: 1, max: 64 }),
    ropeTheta: readAxialTheta(vision),
  };
}

/** The decoder of Qwen2 and Qwen2.5: biases on queries, keys and values, sections of M-RoPE in chunks. */
function readQwen2Decoder(root: JsonReader): TextSpec {
  return readDecoder(textReader(root), {
    prefix: TEXT_PREFIX,
    qkvBias: true,
    qkNorm: false,
    ownHeadDim: false,
    readRope: (text, headDim) => readMultimodalRope(text, headDim, (_, sections) => chunkedStreams(sections)),
  });
}

/** The merger of Qwen2-VL and Qwen2.5-VL: norm per patch, two layers with exact GELU between them. */
function readMerger(vision: VisionSpec, outHiddenSize: number): ConnectorSpec {
  const merged = vision.hiddenSize * vision.spatialMergeSize ** 2;
  const names = [`${VISION_PREFIX}merger.mlp.0`, `${VISION_PREFIX}merger.mlp.2`] as const;
  const layers = mergerLayers(names, merged, outHiddenSize);
  const main = { norm: `${VISION_PREFIX}merger.ln_q`, normOver: 'patch', layers } as const;
  return { outHiddenSize, main, taps: [] };
}

/** Released checkpoints keep the text keys at the top level, newer writers nest them. */
export function textReader(root: JsonReader): JsonReader {
  return root.has('text_config') ? root.object('text_config') : root;
}

/** The width in which the tower's features reach the text decoder, which must be the decoder's own. */
export function checkOutWidth(vision: JsonReader, key: string, text: TextSpec): number {
  const width = vision.integer(key, { min: 1 });
  if (width !== text.hiddenSize)
    vision.fail(key, `(${width}) must equal the text hidden_size (${text.hiddenSize})`);
  return width;
}

/** Token ids and tying, at the top level or with the text. */
export function readTokens(
  root: JsonReader,
  text: TextSpec,
): Omit<ModelSpec, 'modelType' | 'text' | 'vision' | 'connector' | 'storedPrefixes'> {
  const inner = textReader(root);
  const idRange = { max: text.vocabSize - 1 };
  const holder = (key: string): JsonReader => (root.has(key) ? root : inner);
  const tie = holder('tie_word_embeddings');
  return {
    imageTokenId: root.integer('image_token_id', idRange),
    videoTokenId: root.integer('video_token_id', idRange),
    visionStartTokenId: root.integer('vision_start_token_id', idRange),
    visionEndTokenId: root.integer('vision_end_token_id', idRange),
    bosTokenId: optionalId(holder('bos_token_id'), 'bos_token_id'),
    eosTokenIds: idList(holder('eos_token_id'), 'eos_token_id'),
    padTokenId: optionalId(holder('pad_token_id'), 'pad_token_id'),
    tieWordEmbeddings: tie.has('tie_word_embeddings') ? tie.boolean('tie_word_embeddings') : false,
  };
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
 * Settings of the Qwen families' image processor. min_pixels and max_pixels default to 3136 and 1003520, as the
 * processor's code does; every other key must be in the file.
 */
export function readQwenImageConfig(root: JsonReader): QwenImageConfig {
  const normalisation = readNormalisation(root);
  if (root.has('resample') && root.integer('resample') !== 3) root.fail('resample', 'must be 3 (bicubic)');
  return {
    patchSize: root.integer('patch_size', { min: 1, max: 4096 }),
    temporalPatchSize: root.integer('temporal_patch_size', { min: 1, max: 64 }),
    mergeSize: root.integer('merge_size', { min: 1, max: 64 }),
    ...pixelLimits(root),
    ...normalisation,
  };
}

/** The image processor of a Qwen model, whose patches must be those of its vision tower. */
export function readQwenImages(root: JsonReader, { vision, imageTokenId }: ModelSpec): PromptImageProcessor {
  const config = readQwenImageConfig(root);
  const fits = [
    ['patch_size', config.patchSize, vision.patchSize],
    ['temporal_patch_size', config.temporalPatchSize, vision.temporalPatchSize],
    ['merge_size', config.mergeSize, vision.spatialMergeSize],
  ] as const;
  for (const [key, own, towers] of fits) {
    if (own !== towers) root.fail(key, `(${own}) differs from the vision tower's (${towers})`);
  }
  return qwenPromptImages(config, imageTokenId);
}

/**
 * A family with the decoder of Qwen2 and the merger of Qwen2-VL; its vision tower is its own.
 * @param outWidth key of vision_config that gives the width in which features reach the decoder
 */
export function qwen2Family(
  modelType: string,
  readVision: (vision: JsonReader) => VisionSpec,
  outWidth: string,
): ModelFamily {
  return {
    modelTypes: [modelType],
    readSpec(root) {
      const text = readQwen2Decoder(root);
      const visionReader = root.object('vision_config');
      const vision = readVision(visionReader);
      return {
        ...{ modelType, text, vision, storedPrefixes: STORED_PREFIXES },
        connector: readMerger(vision, checkOutWidth(visionReader, outWidth, text)),
        ...readTokens(root, text),
      };
    },
    readImages: readQwenImages,
  };
}
