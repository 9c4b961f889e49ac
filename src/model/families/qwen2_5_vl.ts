// Qwen2.5-VL (and the Look-Back checkpoints): a vision tower with RMSNorm, SwiGLU and windowed attention.
// Source: arXiv:2502.13923, section 2.1.1; transformers, models/qwen2_5_vl.
import type { JsonReader } from '../../lib/json_reader';
import type { VisionSpec } from '../spec';
import { oneOfWords } from './family';
import { qwen2Family, readPatches, VISION_NAMES } from './qwen_reading';

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
export const QWEN2_5_VL = qwen2Family('qwen2_5_vl', readVision, 'out_hidden_size');
