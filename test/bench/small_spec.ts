// Makes a small model of the same kinds of parts from a large one: two layers, narrower rows, a short vocabulary. A bench that
// is meant for a graphics card runs on it anywhere.

import type { ModelSpec } from '../../src/model/spec';

const LAYERS = 2;
const VOCABULARY = 2048;
/** Patches along an edge of a tower whose tiles have one size. */
const TILE_SIDE = 8;

/** A multiple of 32, so that groups of quantised weights are whole. */
const narrowed = (size: number): number => Math.max(32, Math.round(size / 16 / 32) * 32);

/** The small model. Heads keep their width, and positions their kind. */
export function smallSpec(spec: ModelSpec): ModelSpec {
  const { text, vision, connector } = spec;
  const kvHeads = Math.max(1, text.numKeyValueHeads >> 1);
  const heads = kvHeads * Math.min(4, text.numAttentionHeads / text.numKeyValueHeads);
  const hiddenSize = heads * text.headDim;
  const visionSize = 2 * vision.headDim;
  const { positions, windows } = vision;
  return {
    ...spec,
    ...{ imageTokenId: 3, videoTokenId: null, bosTokenId: null, padTokenId: null, eosTokenIds: [0] },
    visionStartTokenId: spec.visionStartTokenId === null ? null : 1,
    visionEndTokenId: spec.visionEndTokenId === null ? null : 2,
    text: {
      ...text,
      ...{ hiddenSize, intermediateSize: narrowed(text.intermediateSize), vocabSize: VOCABULARY },
      ...{ numHiddenLayers: LAYERS, numAttentionHeads: heads, numKeyValueHeads: kvHeads },
    },
    vision: {
      ...vision,
      ...{ hiddenSize: visionSize, intermediateSize: narrowed(vision.intermediateSize), depth: LAYERS },
      numHeads: 2,
      positions: positions && { ...positions, side: TILE_SIDE },
      windows: windows && { ...windows, fullBlocks: [LAYERS - 1] },
    },
    connector: {
      outHiddenSize: hiddenSize,
      taps: [],
      main: {
        ...connector.main,
        layers: connector.main.layers.map((layer, at, all) => ({
          ...layer,
          outputs: at === all.length - 1 ? hiddenSize : visionSize * vision.spatialMergeSize ** 2,
        })),
      },
    },
  };
}
