// Reads what the text decoders of all families have in common: sizes, heads, activation, rotary positions.
import type { JsonReader } from '../../lib/json_reader';
import type { TextRopeSpec, TextSpec } from '../spec';
import { oneOfWords, requireOff } from './family';

/** What a family's text decoder has beside its sizes. */
export interface DecoderTraits {
  readonly prefix: string;
  readonly qkvBias: boolean;
  readonly qkNorm: boolean;
  /** Whether head_dim must be in the file; else it is hidden_size / num_attention_heads. */
  readonly ownHeadDim: boolean;
  /** Whether hidden_act may be missing, as in files of Llama decoders; it has been silu in every version. */
  readonly activationImplied?: boolean;
  readonly readRope: (text: JsonReader, headDim: number) => TextRopeSpec;
}

function readHeadDim(text: JsonReader, hiddenSize: number, heads: number, own: boolean): number {
  const headDim = own || text.has('head_dim') ? text.integer('head_dim', { min: 2 }) : hiddenSize / heads;
  if (!own && (headDim * heads !== hiddenSize || !Number.isInteger(headDim)))
    text.fail('num_attention_heads', `(${heads}) must split hidden_size (${hiddenSize}) into even heads`);
  if (headDim % 2 !== 0)
    text.fail(own ? 'head_dim' : 'num_attention_heads', `gives heads of ${headDim}, which must be even`);
  return headDim;
}

/** Newer files list the attention of every layer; the engine computes the full one. */
function checkLayerTypes(text: JsonReader): void {
  const types = text.raw('layer_types');
  if (types === undefined) return;
  if (!Array.isArray(types)) text.fail('layer_types', 'must be a list');
  const other = types.find((type) => type !== 'full_attention');
  if (other !== undefined)
    text.fail('layer_types', `has ${JSON.stringify(other)}; only "full_attention" is supported`);
}

/** Sizes and traits of a text decoder. */
export function readDecoder(text: JsonReader, traits: DecoderTraits): TextSpec {
  const hiddenSize = text.integer('hidden_size', { min: 1 });
  const heads = text.integer('num_attention_heads', { min: 1 });
  const kvHeads = text.integer('num_key_value_heads', { min: 1 });
  if (heads % kvHeads !== 0)
    text.fail('num_key_value_heads', `(${kvHeads}) must divide num_attention_heads (${heads})`);
  const headDim = readHeadDim(text, hiddenSize, heads, traits.ownHeadDim);
  if (!traits.activationImplied || text.has('hidden_act')) oneOfWords(text, 'hidden_act', ['silu']);
  for (const key of ['use_sliding_window', 'mlp_bias']) requireOff(text, key);
  checkLayerTypes(text);
  return {
    prefix: traits.prefix,
    hiddenSize,
    intermediateSize: text.integer('intermediate_size', { min: 1 }),
    numHiddenLayers: text.integer('num_hidden_layers', { min: 1, max: 1024 }),
    numAttentionHeads: heads,
    numKeyValueHeads: kvHeads,
    headDim,
    vocabSize: text.integer('vocab_size', { min: 1 }),
    rmsNormEps: text.number('rms_norm_eps', true),
    maxPositionEmbeddings: text.integer('max_position_embeddings', { min: 1 }),
    qkvBias: traits.qkvBias,
    qkNorm: traits.qkNorm,
    rope: traits.readRope(text, headDim),
  };
}

/** Where a file keeps its rotary settings: `rope_parameters` of transformers 5, or `rope_scaling` beside `rope_theta`. */
export function ropeReader(text: JsonReader): { readonly rope: JsonReader | null; readonly theta: number } {
  if (text.has('rope_parameters')) {
    const rope = text.object('rope_parameters');
    return { rope, theta: rope.number('rope_theta', true) };
  }
  const theta = text.number('rope_theta', true);
  return { rope: text.has('rope_scaling') ? text.object('rope_scaling') : null, theta };
}

/** Refuses scaled and partial rotary positions; `mrope`, `axial` and `default` are plain. */
export function checkRopeKind(rope: JsonReader, plain: readonly string[]): void {
  if (rope.has('partial_rotary_factor') && rope.number('partial_rotary_factor') !== 1)
    rope.fail('partial_rotary_factor', 'must be 1');
  for (const key of ['rope_type', 'type']) {
    const name = rope.has(key) ? rope.string(key) : 'default';
    if (!plain.includes(name)) rope.fail(key, `"${name}" is not supported (${plain.join(', ')})`);
  }
}
