// Qwen2.5-VL (and the Look-Back checkpoints): a vision tower with RMSNorm, SwiGLU and windowed attention.
// Source: arXiv:2502.13923, section 2.1.1; transformers, models/qwen2_5_vl.
import type { JsonReader } from '../../lib/json_reader';
import type { ConnectorSpec, VisionSpec } from '../spec';
import { readDecoder } from './decoder';
import { type ModelFamily, oneOfWords } from './family';
import {
  checkOutWidth,
  chunkedStreams,
  mergerLayers,
  readMultimodalRope,
  readPatches,
  readQwenImages,
  readTokens,
  STORED_PREFIXES,
  TEXT_PREFIX,
  textReader,
  VISION_NAMES,
  VISION_PREFIX,
} from './qwen_reading';

function readVision(vision: JsonReader): VisionSpec {
  const patches = readPatches(vision, 'hidden_size');
  oneOfWords(vision, 'hidden_act', ['silu']);
  const windowSize = vision.integer('window_size', { min: 1 });
  const tokens = Math.floor(Math.floor(windowSize / patches.spatialMergeSize) / patches.patchSize);
  if (tokens < 1) vision.fail('window_size', `(${windowSize}) is smaller than one merged token`);
  return {
    ...patches,
    names: { ...VISION_NAMES, mlpIn: 'mlp.gate_up_proj', mlpOut: 'mlp.down_proj' },
    intermediateSize: vision.integer('intermediate_size', { min: 1 }),
    patchBias: false,
    // Fixed in the architecture, absent from the file.
    norm: { kind: 'rms', eps: 1e-6 },
    mlp: 'swiglu',
    positions: null,
    windows: { tokens, fullBlocks: vision.integers('fullatt_block_indexes', { max: patches.depth - 1 }) },
  };
}

function readConnector(vision: VisionSpec, outHiddenSize: number): ConnectorSpec {
  const merged = vision.hiddenSize * vision.spatialMergeSize ** 2;
  const names = [`${VISION_PREFIX}merger.mlp.0`, `${VISION_PREFIX}merger.mlp.2`] as const;
  const layers = mergerLayers(names, merged, outHiddenSize);
  return {
    outHiddenSize,
    main: { norm: `${VISION_PREFIX}merger.ln_q`, normOver: 'patch', layers },
    taps: [],
  };
}

/** The Qwen2.5-VL family. */
export const QWEN2_5_VL: ModelFamily = {
  modelTypes: ['qwen2_5_vl'],
  readSpec(root) {
    const text = readDecoder(textReader(root), {
      prefix: TEXT_PREFIX,
      qkvBias: true,
      qkNorm: false,
      ownHeadDim: false,
      readRope: (json, headDim) =>
        readMultimodalRope(json, headDim, (_, sections) => chunkedStreams(sections)),
    });
    const visionReader = root.object('vision_config');
    const vision = readVision(visionReader);
    return {
      modelType: 'qwen2_5_vl',
      text,
      vision,
      connector: readConnector(vision, checkOutWidth(visionReader, 'out_hidden_size', text)),
      ...readTokens(root, text),
      storedPrefixes: STORED_PREFIXES,
    };
  },
  readImages: readQwenImages,
};
