// Qwen2.5-VL (and the Look-Back checkpoints): a vision tower with RMSNorm, SwiGLU and windowed attention.
// Source: arXiv:2502.13923, section 2.1.1; transformers, models/qwen2_5_vl.
import type { JsonReader } from '../../lib/json_reader';
import type { VisionSpec } from '../spec';
import { type ModelFamily, oneOfWords } from './family';
import {
  checkOutWidth,
  readMerger,
  readPatches,
  readQwen2Decoder,
  readQwenImages,
  readTokens,
  STORED_PREFIXES,
  VISION_NAMES,
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

/** The Qwen2.5-VL family. */
export const QWEN2_5_VL: ModelFamily = {
  modelTypes: ['qwen2_5_vl'],
  readSpec(root) {
    const text = readQwen2Decoder(root);
    const visionReader = root.object('vision_config');
    const vision = readVision(visionReader);
    return {
      modelType: 'qwen2_5_vl',
      text,
      vision,
      connector: readMerger(vision, checkOutWidth(visionReader, 'out_hidden_size', text)),
      ...readTokens(root, text),
      storedPrefixes: STORED_PREFIXES,
    };
  },
  readImages: readQwenImages,
};
