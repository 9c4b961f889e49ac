// Qwen2-VL: the decoder of Qwen2.5-VL behind a vision tower with LayerNorm, a two-layer MLP and full attention.
// Source: arXiv:2409.12191, section 2.1; transformers, models/qwen2_vl.
import type { JsonReader } from '../../lib/json_reader';
import type { VisionSpec } from '../spec';
import { oneOfWords } from './family';
import { qwen2Family, readPatches, VISION_NAMES } from './qwen_reading';

function readVision(vision: JsonReader): VisionSpec {
  // In this family `hidden_size` is the width of the output.
  const patches = readPatches(vision, 'embed_dim');
  // Released files leave the activation out: it is the architecture's.
  if (vision.has('hidden_act')) oneOfWords(vision, 'hidden_act', ['quick_gelu']);
  return {
    ...patches,
    names: { ...VISION_NAMES, mlpIn: 'mlp.fc1', mlpOut: 'mlp.fc2' },
    intermediateSize: patches.hiddenSize * vision.integer('mlp_ratio', { min: 1, max: 64 }),
    patchBias: false,
    // Fixed in the architecture, absent from the file.
    norm: { kind: 'layer', eps: 1e-6 },
    mlp: 'quick_gelu',
    positions: null,
    windows: null,
  };
}

/** The Qwen2-VL family. */
export const QWEN2_VL = qwen2Family('qwen2_vl', readVision, 'hidden_size');
