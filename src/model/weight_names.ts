// Lists the tensors that a config calls for, under canonical names for every spelling that transformers has written,
// and checks a checkpoint against the list. No tensor is ever skipped, initialised or reshaped to make a checkpoint
// fit: a wrong prefix would otherwise mean a silently random layer.
import { ModelError } from '../lib/errors';
import { formatList, formatShape } from '../lib/format';
import { itemAt } from '../lib/invariant';
import type { Dtype } from './safetensors';
import type { ModelSpec, NormSpec, ProjectorSpec, TextSpec, VisionSpec } from './spec';
import { fusedModules } from './weight_fusion';

/** Canonical name of the output projection, in every family. */
export const LM_HEAD = 'lm_head.weight';

/** Canonical name of the token embedding. */
export function embeddingName({ prefix }: Pick<TextSpec, 'prefix'>): string {
  return `${prefix}embed_tokens.weight`;
}

/** What checkWeights needs to know of a tensor on disk. */
export interface WeightEntry {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** Where each expected tensor is found. */
export interface WeightMap {
  /** Canonical name → name on disk, for every expected tensor; with tied embeddings without lm_head.weight. */
  readonly sources: ReadonlyMap<string, string>;
  /** The output projection is the embedding matrix. */
  readonly tied: boolean;
  /**
   * Name on disk of an lm_head.weight that exists although embeddings are tied: libraries disagree on which of the
   * two counts, so a loader must find it equal to the embedding, byte for byte, or refuse (see checkTiedHead).
   */
  readonly redundantHead: string | null;
}

/** Canonical (newest) name of a weight or module under any spelling on disk. */
export function canonicalName(name: string, { storedPrefixes }: Pick<ModelSpec, 'storedPrefixes'>): string {
  const found = storedPrefixes.find(([stored]) => name.startsWith(stored));
  return found ? found[1] + name.slice(found[0].length) : name;
}

/**
 * Canonical module path, the path as it is spelt, and factor of a PEFT adapter tensor, e.g. `…q_proj` and `A` from
 * `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`; null when it is not a LoRA factor.
 */
export function canonicalAdapterName(
  name: string,
  spec: Pick<ModelSpec, 'storedPrefixes'>,
): { module: string; spelling: string; factor: 'A' | 'B' } | null {
  const found = /^(?:base_model\.model\.)?(.+)\.lora_([AB])(?:\.default)?\.weight$/.exec(name);
  if (found?.[1] === undefined) return null;
  const spelling = found[1].replace('.base_layer', '');
  return { module: canonicalName(spelling, spec), spelling, factor: found[2] === 'A' ? 'A' : 'B' };
}

/** Collects the shapes of a model's tensors by canonical name. */
class Shapes {
  readonly byName = new Map<string, readonly number[]>();

  /** A linear layer, or the parts of a fused one with the rows of each. */
  linear(name: string, rows: readonly number[], inputs: number, bias: boolean): void {
    const parts = fusedModules(name);
    const sizes = parts.length === rows.length ? rows : [rows.reduce((a, b) => a + b)];
    parts.forEach((part, index) => {
      const outputs = itemAt(sizes, index);
      this.byName.set(`${part}.weight`, [outputs, inputs]);
      if (bias) this.byName.set(`${part}.bias`, [outputs]);
    });
  }

  norm(name: string, width: number, kind: NormSpec['kind']): void {
    this.byName.set(`${name}.weight`, [width]);
    if (kind === 'layer') this.byName.set(`${name}.bias`, [width]);
  }
}

function textShapes(text: TextSpec, shapes: Shapes): void {
  const { prefix, hiddenSize: h, intermediateSize: i, headDim } = text;
  const q = text.numAttentionHeads * headDim;
  const kv = text.numKeyValueHeads * headDim;
  shapes.byName.set(embeddingName(text), [text.vocabSize, h]);
  for (let n = 0; n < text.numHiddenLayers; n++) {
    const layer = `${prefix}layers.${n}`;
    shapes.norm(`${layer}.input_layernorm`, h, 'rms');
    shapes.linear(`${layer}.self_attn.qkv_proj`, [q, kv, kv], h, text.qkvBias);
    if (text.qkNorm) {
      shapes.norm(`${layer}.self_attn.q_norm`, headDim, 'rms');
      shapes.norm(`${layer}.self_attn.k_norm`, headDim, 'rms');
    }
    shapes.linear(`${layer}.self_attn.o_proj`, [h], q, false);
    shapes.norm(`${layer}.post_attention_layernorm`, h, 'rms');
    shapes.linear(`${layer}.mlp.gate_up_proj`, [i, i], h, false);
    shapes.linear(`${layer}.mlp.down_proj`, [h], i, false);
  }
  shapes.norm(`${prefix}norm`, h, 'rms');
}

function visionShapes(vision: VisionSpec, shapes: Shapes): void {
  const { prefix, names, hiddenSize: d, intermediateSize: i, patchSize: p, norm } = vision;
  const frames = vision.temporalPatchSize === null ? [] : [vision.temporalPatchSize];
  const patchEmbed = `${prefix}${names.patchEmbed}`;
  shapes.byName.set(`${patchEmbed}.weight`, [d, vision.inChannels, ...frames, p, p]);
  if (vision.patchBias) shapes.byName.set(`${patchEmbed}.bias`, [d]);
  if (vision.positions)
    shapes.byName.set(`${prefix}${names.positions}.weight`, [vision.positions.side ** 2, d]);
  for (let n = 0; n < vision.depth; n++) {
    const block = `${prefix}${names.blocks}.${n}`;
    shapes.norm(`${block}.${names.norm1}`, d, norm.kind);
    shapes.linear(`${block}.${names.qkv}`, [d, d, d], d, true);
    shapes.linear(`${block}.${names.proj}`, [d], d, true);
    shapes.norm(`${block}.${names.norm2}`, d, norm.kind);
    shapes.linear(`${block}.${names.mlpIn}`, vision.mlp === 'swiglu' ? [i, i] : [i], d, true);
    shapes.linear(`${block}.${names.mlpOut}`, [d], i, true);
  }
}

function projectorShapes(projector: ProjectorSpec, vision: VisionSpec, shapes: Shapes): void {
  const merged = vision.hiddenSize * vision.spatialMergeSize ** 2;
  const width = projector.normOver === 'patch' ? vision.hiddenSize : merged;
  shapes.norm(projector.norm, width, vision.norm.kind);
  let inputs = merged;
  for (const { name, outputs, bias } of projector.layers) {
    shapes.linear(name, [outputs], inputs, bias);
    inputs = outputs;
  }
}

/** Canonical name → shape of every tensor that a spec calls for, lm_head.weight included even when tied. */
export function expectedShapes({ text, vision, connector }: ModelSpec): Map<string, readonly number[]> {
  const shapes = new Shapes();
  visionShapes(vision, shapes);
  for (const { projector } of [{ projector: connector.main }, ...connector.taps])
    projectorShapes(projector, vision, shapes);
  textShapes(text, shapes);
  shapes.byName.set(LM_HEAD, [text.vocabSize, text.hiddenSize]);
  return shapes.byName;
}

function fail(message: string, tensors: readonly string[]): never {
  throw new ModelError('model/weights', `weights do not fit config.json: ${message}`, {
    tensors: tensors.slice(0, 32),
  });
}

function checkEntry(name: string, entry: WeightEntry, shape: readonly number[]): void {
  if (entry.shape.length !== shape.length || entry.shape.some((size, axis) => size !== shape[axis])) {
    fail(`tensor "${name}" has shape ${formatShape(entry.shape)}, expected ${formatShape(shape)}`, [name]);
  }
  if (entry.dtype !== 'BF16' && entry.dtype !== 'F16' && entry.dtype !== 'F32') {
    fail(`tensor "${name}" has dtype ${entry.dtype}, expected BF16, F16 or F32`, [name]);
  }
}

/**
 * Matches the tensors on disk (either prefix style) with those the config calls for. Throws ModelError
 * `model/weights`, naming the tensors, when any is unknown, missing, there under two names, misshapen or not floating
 * point.
 */
export function checkWeights(config: ModelSpec, tensors: ReadonlyMap<string, WeightEntry>): WeightMap {
  const expected = expectedShapes(config);
  const sources = new Map<string, string>();
  const unknown: string[] = [];
  for (const [name, entry] of tensors) {
    const canonical = canonicalName(name, config);
    const shape = expected.get(canonical);
    if (shape === undefined) {
      unknown.push(name);
      continue;
    }
    const other = sources.get(canonical);
    if (other !== undefined)
      fail(`"${other}" and "${name}" are the same tensor under two names`, [other, name]);
    checkEntry(name, entry, shape);
    sources.set(canonical, name);
  }
  if (unknown.length > 0) fail(`unknown tensors: ${formatList(unknown)}`, unknown);
  const tied = config.tieWordEmbeddings;
  const missing = [...expected.keys()].filter((name) => !sources.has(name) && !(tied && name === LM_HEAD));
  if (missing.length > 0) fail(`missing tensors: ${formatList(missing)}`, missing);
  const redundantHead = tied ? (sources.get(LM_HEAD) ?? null) : null;
  if (tied) sources.delete(LM_HEAD);
  return { sources, tied, redundantHead };
}

/** Throws ModelError `model/tied-head`: transformers 4 would ignore such a head, transformers 5 would use it. */
export function failTiedHead(): never {
  throw new ModelError(
    'model/tied-head',
    `config.json ties the embeddings, but ${LM_HEAD} differs from the token embedding: set tie_word_embeddings to false, or remove ${LM_HEAD}`,
  );
}

/**
 * Compares an lm_head.weight that is present beside tied embeddings with the embedding matrix. Throws ModelError
 * `model/tied-head` when the bytes differ: transformers 4 would ignore it, transformers 5 would use it.
 */
export function checkTiedHead(head: Uint8Array, embedding: Uint8Array): void {
  if (head.length !== embedding.length || head.some((byte, i) => byte !== embedding[i])) failTiedHead();
}
