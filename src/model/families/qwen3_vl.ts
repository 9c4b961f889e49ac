// Qwen3-VL, dense: normalised queries and keys, rotary sections taken in turn, learned positions in the vision tower, and
// outputs of early tower blocks added behind early text layers (DeepStack).
// Source: arXiv:2511.21631, section 2; transformers, models/qwen3_vl.
import type { JsonReader } from '../../lib/json_reader';
import type { ConnectorSpec, ProjectorSpec, VisionSpec } from '../spec';
import { readDecoder } from './decoder';
import { type ModelFamily, oneOfWords, requireOff } from './family';
import {
  checkOutWidth,
  interleavedStreams,
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
  oneOfWords(vision, 'hidden_act', ['gelu_pytorch_tanh']);
  const positions = vision.integer('num_position_embeddings', { min: 1 });
  const side = Math.sqrt(positions);
  if (!Number.isInteger(side)) vision.fail('num_position_embeddings', `(${positions}) must be a square`);
  return {
    ...patches,
    names: { ...VISION_NAMES, positions: 'pos_embed', mlpIn: 'mlp.linear_fc1', mlpOut: 'mlp.linear_fc2' },
    intermediateSize: vision.integer('intermediate_size', { min: 1 }),
    patchBias: true,
    // Fixed in the architecture, absent from the file.
    norm: { kind: 'layer', eps: 1e-6 },
    mlp: 'gelu_tanh',
    positions: { side, reading: 'bilinear' },
    windows: null,
  };
}

function readConnector(
  json: JsonReader,
  vision: VisionSpec,
  outHiddenSize: number,
  textLayers: number,
): ConnectorSpec {
  const merged = vision.hiddenSize * vision.spatialMergeSize ** 2;
  const projector = (name: string, normOver: ProjectorSpec['normOver']): ProjectorSpec => ({
    norm: `${VISION_PREFIX}${name}.norm`,
    normOver,
    layers: mergerLayers(
      [`${VISION_PREFIX}${name}.linear_fc1`, `${VISION_PREFIX}${name}.linear_fc2`],
      merged,
      outHiddenSize,
    ),
  });
  const blocks = json.integers('deepstack_visual_indexes', { max: vision.depth - 1 });
  if (blocks.length > textLayers)
    json.fail('deepstack_visual_indexes', `names ${blocks.length} blocks for ${textLayers} text layers`);
  return {
    outHiddenSize,
    main: projector('merger', 'patch'),
    taps: blocks.map((block, index) => ({
      block,
      projector: projector(`deepstack_merger_list.${index}`, 'token'),
    })),
  };
}

/** The Qwen3-VL family without mixtures of experts. */
export const QWEN3_VL: ModelFamily = {
  modelTypes: ['qwen3_vl'],
  readSpec(root) {
    const textJson = textReader(root);
    requireOff(textJson, 'attention_bias');
    const text = readDecoder(textJson, {
      prefix: TEXT_PREFIX,
      qkvBias: false,
      qkNorm: true,
      ownHeadDim: true,
      readRope: (json, headDim) =>
        readMultimodalRope(json, headDim, (rope, sections) => {
          if (!rope.boolean('mrope_interleaved')) rope.fail('mrope_interleaved', 'must be true');
          return interleavedStreams(sections, headDim / 2);
        }),
    });
    const visionJson = root.object('vision_config');
    const vision = readVision(visionJson);
    const width = checkOutWidth(visionJson, 'out_hidden_size', text);
    return {
      modelType: 'qwen3_vl',
      text,
      vision,
      connector: readConnector(visionJson, vision, width, text.numHiddenLayers),
      ...readTokens(root, text),
      storedPrefixes: STORED_PREFIXES,
    };
  },
  readImages: readQwenImages,
};
