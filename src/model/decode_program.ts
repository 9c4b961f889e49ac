// The decode step and the sampling end of the prompt pass as programs over the device state of a session.
// Traces only; ids, lengths and positions live on the device and advance there, the host reads a step behind.

import type { DeviceTraits } from '../gpu/device';
import type { GpuScope } from '../gpu/gpu_scope';
import { paddedHeadSize } from '../kernels/attention_shape';
import { captureReduce } from '../kernels/capture_reduce';
import { type DecodeCaptureOptions, decodeAttention } from '../kernels/decode_attention';
import { quadDecodeAttention, quadsDecode } from '../kernels/quad_decode_attention';
import {
  SAMPLER_REACHES,
  type SamplerReach,
  type SamplingSettings,
  sampler,
  samplerReach,
} from '../kernels/sampler';
import { KEY_CLASSES, SEQUENCE_WORD, SEQUENCE_WORDS } from '../kernels/sequence_words';
import {
  type SplitDecodeOptions,
  splitDecodeAttention,
  splitsDecode,
} from '../kernels/split_decode_attention';
import { splitRotaryAppend } from '../kernels/split_rotary';
import { narrowHeads } from '../tensor/ops/attention';
import { Program } from '../tensor/program';
import { reshape, type StoredTensor, type Tensor, type Trace } from '../tensor/trace';
import type { KvCache } from './kv_cache';
import { decoderLayers, embedTokens, logits } from './language_model';
import { type ModelOnDevice, type PromptShape, tracePrompt } from './prompt_program';

/** State of the sequences of a session; see sequence_words.ts for the words. */
export interface SequenceState {
  /** u32 [B, 8] */
  readonly sequences: StoredTensor;
  /** [B, 8] sampling settings, bit patterns. */
  readonly sampling: StoredTensor;
  /** u32 [B, ceil(V / 32)] ids seen so far. */
  readonly seen: StoredTensor;
  /** u32 [2 + n] pad id, number of end ids, end ids. */
  readonly stop: StoredTensor;
  /** u32 [B] ids of the last step. */
  readonly ids: StoredTensor;
  /** [positions, HS / 2] rotary tables of text positions. */
  readonly cos: StoredTensor;
  readonly sin: StoredTensor;
}

/** What decode records per step. */
export interface CaptureShape {
  readonly mapLayers: readonly number[];
  readonly mapSize: number;
}

/**
 * `split`: the keys of a sequence are divided among workgroups. `quad`: among four threads. Both rotate and append in the
 * same dispatch, which is one of its own in `plain`.
 */
export type DecodeAttentionForm = 'plain' | 'split' | 'quad';

/** What a decode step is made for. */
export interface DecodeProgramOptions {
  readonly batch: number;
  readonly cache: KvCache;
  readonly state: SequenceState;
  readonly capture?: CaptureShape | undefined;
  /** What the sampler has to be able to. */
  readonly reach: SamplerReach;
  /** How attention runs; by default as the device wants it. */
  readonly attention?: DecodeAttentionForm;
}

function sample(
  trace: Trace,
  state: SequenceState,
  scores: Tensor,
  o: { readonly batch: number; readonly vocab: number; readonly reach: SamplerReach },
): void {
  const operands = [scores, state.sampling, state.stop, state.seen, state.sequences, state.ids];
  trace.emit(sampler(o, trace.traits), operands);
}

/**
 * The prompt pass followed by sampling the first token of every sequence.
 * @param o features of the images; `continues`: the rows go on behind the keys of the cache's first slot; `reach`: what
 *   the sampler has to be able to
 */
export function buildPromptProgram(
  model: ModelOnDevice,
  shape: PromptShape,
  cache: KvCache,
  state: SequenceState,
  o: { readonly features: Tensor | undefined; readonly continues: boolean; readonly reach: SamplerReach },
): Promise<Program> {
  return Program.compile(model.gpu, `prompt ${shape.tokens}`, (trace) => {
    const scores = tracePrompt(trace, model, shape, { cache, features: o.features, continues: o.continues });
    sample(trace, state, scores, { batch: shape.batch, vocab: model.config.text.vocabSize, reach: o.reach });
    trace.output('logits', scores);
  });
}

/** The prompt pass for its keys and values alone: nothing after the last layer's attention inputs is run. */
export function buildPrefixProgram(
  model: ModelOnDevice,
  shape: PromptShape,
  cache: KvCache,
  features?: Tensor,
): Promise<Program> {
  return Program.compile(model.gpu, `prefix ${shape.tokens}`, (trace) => {
    tracePrompt(trace, model, shape, { cache, features });
  });
}

/**
 * One step for every sequence: the last id in, attention over the cache, the next id out. Reads and advances `state`.
 * Outputs `logits` [B, V]; with capture `shares` [B, layers, 5] and, where asked, `map` [B, mapLayers, mapSize].
 */
export function buildDecodeProgram(model: ModelOnDevice, o: DecodeProgramOptions): Promise<Program> {
  return Program.compile(model.gpu, `decode ${o.batch}`, (trace) => traceDecode(trace, model, o));
}

/** A session's decode step, made again where settings ask more of the sampler than it can do. Owned by its scope. */
export class DecodeStep {
  readonly #scope: GpuScope;
  readonly #make: (reach: SamplerReach) => Promise<Program>;
  #program: Program;
  #reach: SamplerReach;

  private constructor(
    scope: GpuScope,
    make: (reach: SamplerReach) => Promise<Program>,
    program: Program,
    reach: SamplerReach,
  ) {
    this.#scope = scope;
    this.#make = make;
    this.#program = program;
    this.#reach = reach;
  }

  /** @param make builds the step; its program is the scope's from then on */
  static async create(
    scope: GpuScope,
    make: (reach: SamplerReach) => Promise<Program>,
    reach: SamplerReach,
  ): Promise<DecodeStep> {
    return new DecodeStep(scope, make, scope.own(await make(reach)), reach);
  }

  /** The program as it is now. */
  get program(): Program {
    return this.#program;
  }

  /** What its sampler can do. */
  get reach(): SamplerReach {
    return this.#reach;
  }

  /** Makes sure that the step can do what these settings ask. Not while a step is in flight. */
  async serve(settings: readonly SamplingSettings[]): Promise<void> {
    const needed = samplerReach(settings);
    if (SAMPLER_REACHES.indexOf(needed) <= SAMPLER_REACHES.indexOf(this.#reach)) return;
    const program = this.#scope.own(await this.#make(needed));
    this.#scope.free(this.#program);
    this.#program = program;
    this.#reach = needed;
  }
}

/** Traces {@link buildDecodeProgram}. */
export function traceDecode(
  trace: Trace,
  { config, weights }: ModelOnDevice,
  { batch, cache, state, capture, reach, attention }: DecodeProgramOptions,
): void {
  const { text } = config;
  const layout = {
    batch,
    heads: text.numAttentionHeads,
    kvHeads: text.numKeyValueHeads,
    headSize: text.headDim,
    headStride: paddedHeadSize(text.headDim),
    cache: cache.shape,
    scale: text.headDim ** -0.5,
  };
  const { heads, headSize } = layout;
  const recorder = capture ? new DecodeCapture(trace, text.numHiddenLayers, layout, capture) : undefined;
  const newest = { ids: state.sequences, stride: SEQUENCE_WORDS, offset: SEQUENCE_WORD.token };
  const x = embedTokens(trace, text, weights, newest, batch);
  const attend = (qkv: Tensor, layer: number): Tensor => {
    const recorded = recorder?.of(layer);
    const options = { ...layout, ...(recorded ? { capture: recorded.capture } : {}) };
    const out = trace.activation('attention', [batch, heads, layout.headStride]);
    const captured = {
      classes: recorded ? [cache.keyClass] : [],
      outputs: [out, ...(recorded?.tensors ?? [])],
    };
    const emit = EMITTERS[attention ?? decodeForm(options, trace.traits)];
    emit(trace, options, { qkv, ...cache.layer(layer), ...state, ...captured });
    return reshape(narrowHeads(trace, out, headSize), [batch, heads * headSize]);
  };
  const stream = decoderLayers(trace, config, weights, x, attend);
  const scores = logits(trace, text, weights, stream);
  recorder?.finish();
  sample(trace, state, scores, { batch, vocab: text.vocabSize, reach });
  trace.output('logits', scores);
}

function decodeForm(o: AttentionSizes, traits: DeviceTraits): DecodeAttentionForm {
  if (splitsDecode(o, traits)) return 'split';
  return quadsDecode(o, traits) ? 'quad' : 'plain';
}

/** Sizes of a layer's attention, with the padded head. */
type AttentionSizes = SplitDecodeOptions & { readonly headStride: number };

/** What a layer's attention reads and writes. */
interface AttentionTensors extends Pick<SequenceState, 'sequences' | 'cos' | 'sin'> {
  readonly qkv: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  /** Classes of the keys where something is captured, else nothing. */
  readonly classes: readonly Tensor[];
  /** What comes out; masses where they are captured; the map where this layer has one. */
  readonly outputs: readonly Tensor[];
}

/** Rotation and attention by workgroups for few heads each, or by threads. */
function emitPlain(trace: Trace, o: AttentionSizes, t: AttentionTensors): void {
  const q = trace.activation('q', [o.batch, o.heads, o.headStride]);
  trace.emit(splitRotaryAppend(o, trace.traits), [t.qkv, t.cos, t.sin, t.sequences, q, t.k, t.v]);
  for (const call of decodeAttention({ ...o, headSize: o.headStride }, trace.traits))
    trace.emit(call, [q, t.k, t.v, t.sequences, ...t.classes, ...t.outputs]);
}

/** The same by workgroups for a part of the keys each, which rotate by themselves. */
function emitSplit(trace: Trace, o: AttentionSizes, t: AttentionTensors): void {
  const calls = splitDecodeAttention(o, trace.traits);
  const partials = trace.activation('partials', calls.partials);
  const scores = calls.scores ? [trace.activation('scores', calls.scores)] : [];
  trace.emit(calls.attend, [t.qkv, t.k, t.v, t.sequences, t.cos, t.sin, partials, ...scores]);
  trace.emit(calls.merge, [partials, t.sequences, ...scores, ...t.classes, ...t.outputs]);
}

/** The same by four threads for a few heads, which rotate by themselves. */
function emitQuad(trace: Trace, o: AttentionSizes, t: AttentionTensors): void {
  const operands = [t.qkv, t.k, t.v, t.sequences, t.cos, t.sin, ...t.classes, ...t.outputs];
  trace.emit(quadDecodeAttention(o, trace.traits), operands);
}

const EMITTERS = { plain: emitPlain, split: emitSplit, quad: emitQuad } as const;

/** Collects masses and maps of all layers in two tensors, reduced over heads at the end of the step. */
class DecodeCapture {
  readonly #trace: Trace;
  readonly #masses: Tensor;
  readonly #maps: Tensor | undefined;
  readonly #shape: { batch: number; layers: number; heads: number; mapLayers: number; mapSize: number };
  readonly #capture: CaptureShape;

  constructor(
    trace: Trace,
    layers: number,
    { batch, heads }: { batch: number; heads: number },
    capture: CaptureShape,
  ) {
    const mapLayers = capture.mapLayers.length;
    this.#trace = trace;
    this.#capture = capture;
    this.#shape = { batch, layers, heads, mapLayers, mapSize: capture.mapSize };
    this.#masses = trace.activation('masses', [layers, batch, heads, KEY_CLASSES]);
    this.#maps =
      mapLayers > 0 && capture.mapSize > 0
        ? trace.activation('maps', [mapLayers, batch, heads, capture.mapSize])
        : undefined;
  }

  /** What a layer's attention records, and the tensors that take it. */
  of(layer: number): { readonly capture: DecodeCaptureOptions; readonly tensors: readonly Tensor[] } {
    const mapLayer = this.#capture.mapLayers.indexOf(layer);
    const maps = mapLayer >= 0 ? this.#maps : undefined;
    const mapSize = maps ? this.#shape.mapSize : 0;
    return {
      capture: { mapSize, layer, mapLayer: Math.max(0, mapLayer) },
      tensors: [this.#masses, ...(maps ? [maps] : [])],
    };
  }

  finish(): void {
    const { batch, layers, mapLayers, mapSize } = this.#shape;
    const shares = this.#trace.activation('shares', [batch, layers, KEY_CLASSES]);
    const map = this.#maps ? this.#trace.activation('map', [batch, mapLayers, mapSize]) : undefined;
    const call = captureReduce(
      { ...this.#shape, ...(map ? {} : { mapLayers: 0, mapSize: 0 }) },
      this.#trace.traits,
    );
    this.#trace.emit(call, [
      this.#masses,
      ...(this.#maps ? [this.#maps] : []),
      shares,
      ...(map ? [map] : []),
    ]);
    this.#trace.output('shares', shares);
    // Per head, for parity and for layer × head views; they cost no dispatch.
    this.#trace.output('head_masses', this.#masses);
    if (this.#maps) this.#trace.output('head_maps', this.#maps);
    if (map) this.#trace.output('map', map);
  }
}
