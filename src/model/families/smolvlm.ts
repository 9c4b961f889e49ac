// SmolVLM and SmolVLM2 (the model of Idefics3): a SigLIP vision tower over tiles, pixel shuffle, and a Llama decoder.
// Source: Marafioti et al. 2025 (arXiv:2504.05299); transformers, models/idefics3 and models/smolvlm, which compute the same.
import { type PromptImageProcessor, smolPromptImages } from '../../data/image/prompt_image';
import type { SmolImageConfig } from '../../data/image/smol_image_processor';
import type { JsonReader } from '../../lib/json_reader';
import type { ModelSpec, PositionTableSpec, TextRopeSpec, VisionSpec } from '../spec';
import { checkRopeKind, readDecoder, ropeReader } from './decoder';
import {
  idList,
  type ModelFamily,
  oneOfWords,
  optionalId,
  readChannels,
  readNormalisation,
  requireOff,
} from './family';

const TEXT_PREFIX = 'model.text_model.';
const VISION_PREFIX = 'model.vision_model.';
const CONNECTOR_PREFIX = 'model.connector.';

/** As the whole model is written, and its inner model alone. */
const STORED_PREFIXES: ModelSpec['storedPrefixes'] = [TEXT_PREFIX, VISION_PREFIX, CONNECTOR_PREFIX].map(
  (prefix) => [prefix.slice('model.'.length), prefix],
);

/** The processor's own bound on the longer edge, behind which it would resize once more. */
const MAX_EDGE = 4096;

function readRope(text: JsonReader, headDim: number): TextRopeSpec {
  const { rope, theta } = ropeReader(text);
  if (rope) checkRopeKind(rope, ['default']);
  return { theta, kind: 'linear', streams: Array<number>(headDim / 2).fill(0) };
}

/**
 * The vision tower. Released files leave out sizes that are the library's defaults; a wrong one would not fit the
 * checkpoint's tensors.
 */
function readVision(vision: JsonReader, scaleFactor: number): VisionSpec & { positions: PositionTableSpec } {
  const integer = (key: string, absent: number): number =>
    vision.has(key) ? vision.integer(key, { min: 1, max: 1 << 20 }) : absent;
  const hiddenSize = vision.integer('hidden_size', { min: 1 });
  const numHeads = vision.integer('num_attention_heads', { min: 1 });
  const headDim = hiddenSize / numHeads;
  if (headDim % 2 !== 0) {
    const reason = `(${numHeads}) must split hidden_size (${hiddenSize}) into even heads`;
    vision.fail('num_attention_heads', reason);
  }
  if (vision.has('hidden_act')) oneOfWords(vision, 'hidden_act', ['gelu_pytorch_tanh']);
  const patchSize = vision.integer('patch_size', { min: 1, max: 4096 });
  const imageSize = vision.integer('image_size', { min: 1, max: MAX_EDGE });
  const unit = patchSize * scaleFactor;
  if (imageSize % unit !== 0)
    vision.fail('image_size', `(${imageSize}) must be a multiple of patch_size · scale_factor (${unit})`);
  return {
    prefix: VISION_PREFIX,
    names: {
      patchEmbed: 'embeddings.patch_embedding',
      positions: 'embeddings.position_embedding',
      blocks: 'encoder.layers',
      norm1: 'layer_norm1',
      qkv: 'self_attn.qkv_proj',
      proj: 'self_attn.out_proj',
      norm2: 'layer_norm2',
      mlpIn: 'mlp.fc1',
      mlpOut: 'mlp.fc2',
    },
    hiddenSize,
    intermediateSize: integer('intermediate_size', 3072),
    depth: integer('num_hidden_layers', 12),
    numHeads,
    headDim,
    inChannels: readChannels(vision),
    patchSize,
    temporalPatchSize: null,
    patchBias: true,
    spatialMergeSize: scaleFactor,
    norm: { kind: 'layer', eps: vision.has('layer_norm_eps') ? vision.number('layer_norm_eps', true) : 1e-6 },
    mlp: 'gelu_tanh',
    ropeTheta: null,
    // Every tile has the size that the table was made for, so that patch (i, j) takes entry (i, j).
    positions: { side: imageSize / patchSize, reading: 'exact' },
    windows: null,
  };
}

/** The first pad token that the vocabulary holds: released files name at the top level one of another vocabulary. */
function readPadToken(readers: readonly JsonReader[], vocabSize: number): number | null {
  const ids = readers.map((json) => optionalId(json, 'pad_token_id'));
  return ids.find((id) => id !== null && id < vocabSize) ?? null;
}

function readSpec(root: JsonReader): ModelSpec {
  const textReader = root.object('text_config');
  for (const key of ['attention_bias', 'qk_layer_norms', 'rope_interleaved', 'use_resampler'])
    requireOff(textReader, key);
  const text = readDecoder(textReader, {
    prefix: TEXT_PREFIX,
    qkvBias: false,
    qkNorm: false,
    ownHeadDim: false,
    activationImplied: true,
    readRope,
  });
  const scaleFactor = root.integer('scale_factor', { min: 1, max: 64 });
  const projection = {
    name: `${CONNECTOR_PREFIX}modality_projection.proj`,
    outputs: text.hiddenSize,
    bias: false,
    activation: 'none',
  } as const;
  const holder = (key: string): JsonReader => (root.has(key) ? root : textReader);
  const tie = holder('tie_word_embeddings');
  return {
    modelType: root.string('model_type'),
    text,
    vision: readVision(root.object('vision_config'), scaleFactor),
    connector: {
      outHiddenSize: text.hiddenSize,
      // The patches of a block follow each other, so that pixel shuffle only joins their rows.
      main: { norm: `${VISION_PREFIX}post_layernorm`, normOver: 'patch', layers: [projection] },
      taps: [],
    },
    imageTokenId: root.integer('image_token_id', { max: text.vocabSize - 1 }),
    videoTokenId: null,
    visionStartTokenId: null,
    visionEndTokenId: null,
    bosTokenId: optionalId(holder('bos_token_id'), 'bos_token_id'),
    eosTokenIds: idList(holder('eos_token_id'), 'eos_token_id'),
    padTokenId: readPadToken([root, textReader], text.vocabSize),
    tieWordEmbeddings: tie.has('tie_word_embeddings') ? tie.boolean('tie_word_embeddings') : false,
    storedPrefixes: STORED_PREFIXES,
  };
}

function readImages(root: JsonReader, { vision }: ModelSpec): PromptImageProcessor {
  const edge = (key: string): number => root.object(key).integer('longest_edge', { min: 1, max: MAX_EDGE });
  const tileEdge = edge('max_image_size');
  const imageSize = (vision.positions?.side ?? 0) * vision.patchSize;
  if (tileEdge !== imageSize) {
    const reason = `has a longest_edge of ${tileEdge}, which differs from the vision tower's image_size (${imageSize})`;
    root.fail('max_image_size', reason);
  }
  if (root.has('resample') && root.integer('resample') !== 1) root.fail('resample', 'must be 1 (Lanczos)');
  const config: SmolImageConfig = {
    ...readNormalisation(root),
    doImageSplitting: root.has('do_image_splitting') ? root.boolean('do_image_splitting') : true,
    longestEdge: edge('size'),
    tileEdge,
    patchSize: vision.patchSize,
    mergeSize: vision.spatialMergeSize,
  };
  return smolPromptImages(config);
}

/** The SmolVLM family. */
export const SMOLVLM: ModelFamily = { modelTypes: ['smolvlm', 'idefics3'], readSpec, readImages };
