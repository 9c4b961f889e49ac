// Describes a vision-language model as data: its text decoder, vision tower, connector, special tokens, and how
// checkpoints name its weights. A family (families/) reads a checkpoint's config.json into a spec; everything that traces,
// loads, packs or adapts a model reads the spec and never asks which family it came from.

/** Rotary positions of the text decoder. */
export interface TextRopeSpec {
  readonly theta: number;
  /**
   * `multimodal`: an image's tokens take their row and column as positions (M-RoPE); `linear`: every token takes its
   * place in the prompt.
   */
  readonly kind: 'multimodal' | 'linear';
  /** Of each of the headDim / 2 frequencies, the stream that turns it: 0 time, 1 row, 2 column; all 0 if linear. */
  readonly streams: readonly number[];
}

/** Text decoder: pre-norm layers with RMSNorm, grouped-query attention, rotary positions, and a SwiGLU MLP. */
export interface TextSpec {
  /** Canonical prefix of its tensors, e.g. `model.language_model.`. */
  readonly prefix: string;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly numKeyValueHeads: number;
  /** Queries are numAttentionHeads · headDim wide, which need not be hiddenSize. */
  readonly headDim: number;
  readonly vocabSize: number;
  readonly rmsNormEps: number;
  readonly maxPositionEmbeddings: number;
  /** The query, key and value projections have biases. */
  readonly qkvBias: boolean;
  /** Queries and keys are normalised head by head (RMSNorm over headDim) before they are turned. */
  readonly qkNorm: boolean;
  readonly rope: TextRopeSpec;
}

/** A normalisation of rows: RMSNorm has a weight, LayerNorm a weight and a bias. */
export interface NormSpec {
  readonly kind: 'rms' | 'layer';
  readonly eps: number;
}

/** Learned positions of patches: a square table that is read at the patch's place. */
export interface PositionTableSpec {
  /** Rows and columns of the table, which has side² entries. */
  readonly side: number;
  /**
   * `bilinear`: the table is stretched over the image's grid with its corners on the corners; `exact`: patch (i, j) takes
   * entry (i, j), and the grid must not exceed the table.
   */
  readonly reading: 'bilinear' | 'exact';
}

/** Attention in windows, except in some blocks. */
export interface WindowSpec {
  /** Edge of a window, merged tokens. */
  readonly tokens: number;
  /** Blocks whose attention covers the whole frame. */
  readonly fullBlocks: readonly number[];
}

/** Module names of a vision tower, below its prefix; those of a block are below `${blocks}.${number}`. */
export interface VisionNames {
  readonly patchEmbed: string;
  /** The table of positions, if there is one. */
  readonly positions: string | null;
  readonly blocks: string;
  readonly norm1: string;
  /** One module, or the fused name of three (weight_fusion.ts). */
  readonly qkv: string;
  readonly proj: string;
  readonly norm2: string;
  /** First layer of the MLP: one module, or the fused name of gate and up. */
  readonly mlpIn: string;
  readonly mlpOut: string;
}

/**
 * Vision tower: a transformer over patches with pre-norm blocks and biased projections. Patches come in merge-block-major
 * order, frame by frame; a frame is a time step of a video or a tile of a picture, and attention stays inside it.
 */
export interface VisionSpec {
  /** Canonical prefix of its tensors, e.g. `model.visual.`. */
  readonly prefix: string;
  readonly names: VisionNames;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly depth: number;
  readonly numHeads: number;
  readonly headDim: number;
  readonly inChannels: number;
  /** Edge of a patch, pixels. */
  readonly patchSize: number;
  /** Frames that one patch covers; null for towers of still pictures, whose patch projection has no time axis. */
  readonly temporalPatchSize: number | null;
  readonly patchBias: boolean;
  /** Patches per merged token along each axis. */
  readonly spatialMergeSize: number;
  readonly norm: NormSpec;
  /** `swiglu` has gate and up in its first layer; the others are one layer, the activation, another layer. */
  readonly mlp: 'swiglu' | 'gelu' | 'gelu_tanh' | 'quick_gelu';
  /** Theta of the 2-D axial rotary embedding; null for none. */
  readonly ropeTheta: number | null;
  readonly positions: PositionTableSpec | null;
  readonly windows: WindowSpec | null;
}

/** One linear layer of a projector. */
export interface ProjectorLayer {
  /** Canonical module name. */
  readonly name: string;
  readonly outputs: number;
  readonly bias: boolean;
  readonly activation: 'none' | 'gelu';
}

/** Norm, joining of merge² patch rows to one token's row, and linear layers. */
export interface ProjectorSpec {
  /** Canonical module name of the norm. */
  readonly norm: string;
  /** Whether the norm is over a patch's row, before patches are joined, or over a token's row, after. */
  readonly normOver: 'patch' | 'token';
  readonly layers: readonly ProjectorLayer[];
}

/** From the vision tower to the text decoder. */
export interface ConnectorSpec {
  /** Width of an image token's features, which is that of the text decoder. */
  readonly outHiddenSize: number;
  /** After the last block: what takes the place of image tokens' embeddings. */
  readonly main: ProjectorSpec;
  /** DeepStack: entry k projects the output of `block`, and is added to the image tokens after text layer k. */
  readonly taps: readonly { readonly block: number; readonly projector: ProjectorSpec }[];
}

/** A whole model. */
export interface ModelSpec {
  /** `model_type` of config.json. */
  readonly modelType: string;
  readonly text: TextSpec;
  readonly vision: VisionSpec;
  readonly connector: ConnectorSpec;
  readonly imageTokenId: number;
  readonly videoTokenId: number | null;
  readonly visionStartTokenId: number | null;
  readonly visionEndTokenId: number | null;
  readonly bosTokenId: number | null;
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number | null;
  readonly tieWordEmbeddings: boolean;
  /** Prefixes of tensor names that have been written, each with the canonical one; the first that fits counts. */
  readonly storedPrefixes: readonly (readonly [stored: string, canonical: string])[];
}

/** Rows of features that an image token has: its own, and one for each tap. */
export function featureRows({ taps }: Pick<ConnectorSpec, 'taps'>): number {
  return 1 + taps.length;
}
