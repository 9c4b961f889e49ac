// Chooses the next token of every sequence on the GPU and advances the sequence; the parity form writes the processed
// distribution instead of drawing from it. The processors run in Hugging Face's order; seed, step and logits decide
// the draw.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall, OperandSpec } from '../gpu/kernel';
import { ArgumentError, ShapeError } from '../lib/errors';
import { itemAt } from '../lib/invariant';
import { checkDimensions, checkGrid } from './check';
import { SEQUENCE_WORDS } from './sequence_words';
import { orMore, reads, shaderCall, writes } from './shader';

/** Words per sequence of the sampling buffer. */
export const SAMPLING_WORDS = 8;

/** Largest vocabulary: top-p sums 14-bit fractions of that many masses in a word. */
export const MAX_VOCAB = 2 ** 18;

/** How one sequence is sampled; absent means off. */
export interface SamplingSettings {
  /** 0 is greedy: the largest penalised logit, the lowest id among equals. */
  readonly temperature: number;
  /** Keep the k largest, and all that equal the k-th; 0 is off. */
  readonly topK?: number;
  /** Keep the most probable until their mass reaches this; 1 is off. */
  readonly topP?: number;
  /** Keep what is at least this times as probable as the most probable; 0 is off. */
  readonly minP?: number;
  /** Divides positive and multiplies negative logits of ids that were seen; 1 is off. */
  readonly repetitionPenalty?: number;
  /** Up to 2^53: equal seeds draw equal tokens from equal logits. */
  readonly seed?: number;
  /** Finish after this many tokens; 0 is no limit. */
  readonly maxNewTokens?: number;
}

function within(name: string, value: number, low: number, high: number): number {
  if (!(value >= low && value <= high)) {
    throw new ArgumentError(`Sampling setting ${name} is ${value}; it must lie between ${low} and ${high}.`, {
      [name]: value,
    });
  }
  return value;
}

/**
 * The eight words of one sequence in the sampling buffer: temperature, top_k, top_p, min_p, repetition penalty,
 * seed (low, high), largest number of new tokens. Words 0, 2, 3, 4 are f32 bit patterns, the others u32.
 * @throws ArgumentError naming a setting that is out of range
 */
export function packSampling(settings: SamplingSettings): Uint32Array {
  const words = new Uint32Array(SAMPLING_WORDS);
  const floats = new Float32Array(words.buffer);
  const seed = Math.floor(within('seed', settings.seed ?? 0, 0, Number.MAX_SAFE_INTEGER));
  floats[0] = within('temperature', settings.temperature, 0, 1e6);
  words[1] = within('topK', settings.topK ?? 0, 0, 0xffffffff);
  floats[2] = within('topP', settings.topP ?? 1, 0, 1);
  floats[3] = within('minP', settings.minP ?? 0, 0, 1);
  floats[4] = within('repetitionPenalty', settings.repetitionPenalty ?? 1, 1e-3, 1e3);
  words[5] = seed % 2 ** 32;
  words[6] = Math.floor(seed / 2 ** 32);
  words[7] = within('maxNewTokens', settings.maxNewTokens ?? 0, 0, 0xffffffff);
  return words;
}

/** The stop buffer: pad id, number of end ids, end ids. */
export function packStop(padId: number, endIds: readonly number[]): Uint32Array {
  return Uint32Array.of(padId, endIds.length, ...endIds);
}

/** One row of the seen bitset: a bit for every id given. */
export function packSeen(vocab: number, ids: Iterable<number>): Uint32Array {
  const words = new Uint32Array(Math.ceil(vocab / 32));
  for (const id of ids) {
    if (id < 0 || id >= vocab)
      throw new ArgumentError(`Token ${id} lies outside the vocabulary of ${vocab}.`, { id });
    words[id >>> 5] = itemAt(words, id >>> 5) | (1 << (id & 31));
  }
  return words;
}

/**
 * What a sampler can do, from least to most: the largest logit alone, a draw from all ids, or a draw from those that top-k,
 * top-p and min-p leave. Each is compiled by itself, as drivers take longest over what is seldom asked for.
 */
export const SAMPLER_REACHES = ['greedy', 'drawing', 'truncating'] as const;
/** One of {@link SAMPLER_REACHES}. */
export type SamplerReach = (typeof SAMPLER_REACHES)[number];

/** The least that a sampler has to be able to for these settings, all of them together. */
export function samplerReach(settings: readonly SamplingSettings[]): SamplerReach {
  const drawing = settings.filter(({ temperature }) => temperature > 0);
  const truncates = ({ topK = 0, topP = 1, minP = 0 }: SamplingSettings): boolean =>
    topK > 0 || topP < 1 || minP > 0;
  if (drawing.some(truncates)) return 'truncating';
  return drawing.length > 0 ? 'drawing' : 'greedy';
}

/** Sequences and ids of one sampling step. */
export interface SamplerOptions {
  readonly batch: number;
  readonly vocab: number;
  /** Settings that need more are not looked at: a `greedy` sampler takes every temperature for 0. */
  readonly reach: SamplerReach;
}

function build(
  name: string,
  o: SamplerOptions,
  operands: readonly OperandSpec[],
  probabilities: boolean,
  traits: DeviceTraits,
): KernelCall {
  const { batch, vocab, reach } = o;
  checkDimensions(name, { batch, vocab });
  if (vocab > MAX_VOCAB)
    throw new ShapeError(`${name}: a vocabulary of ${vocab}; at most ${MAX_VOCAB} ids can be ranked.`);
  // A software adapter pays for barriers when it compiles and when it runs; hardware wants many lanes for a long row,
  // and one lane's sum of 10^5 terms would lose digits.
  const [workgroup, digits] = traits.software
    ? [vocab > 32768 ? 32 : 1, vocab > 2048 ? 8 : 4]
    : [vocab > 1024 ? Math.min(256, traits.maxInvocations) : 64, 8];
  const load = workgroup === 1 ? '*' : 'workgroupUniformLoad';
  const bins = 2 ** digits;
  const truncates = reach === 'truncating';
  return shaderCall(
    {
      stem: 'sampler',
      variant: `${probabilities ? 'probabilities' : reach}_${workgroup}x${bins}`,
      defines: {
        ...{ WG: workgroup, LOAD: load, RADIX_BITS: digits, BINS: bins, PROBABILITIES: probabilities },
        ...{ TRUNCATES: truncates, DRAWS: truncates || reach === 'drawing' },
      },
      operands,
      params: [{ u32: vocab }, { u32: Math.ceil(vocab / 32) }],
      grid: [checkGrid(name, batch), 1, 1],
      flops: 30 * batch * vocab,
      bytes: 4 * batch * vocab,
    },
    traits,
  );
}

/**
 * Samples one token per sequence and advances the sequence: length, position and generated grow by one, done is set
 * when the id is an end id or generated reaches the sequence's limit, token is the id, and the id is marked as seen.
 * A finished sequence gets the pad id as its token and changes nothing else.
 * Before the first step length and position name the last prompt token (one less than the next token's).
 *
 * Bindings: logits f32[batch, vocab], sampling u32[batch, 8] (`packSampling`), stop u32[2 + E] (`packStop`),
 * seen u32[batch, ceil(vocab / 32)] (read_write, `packSeen`), sequences u32[batch, 8] (read_write; words: 0 slot,
 * 1 length, 2 prefixSlot, 3 prefixLength, 4 position, 5 generated, 6 done, 7 token), ids u32[batch] (read_write).
 * @throws ShapeError for an empty shape, or a vocabulary above MAX_VOCAB
 */
export function sampler(o: SamplerOptions, traits: DeviceTraits): KernelCall {
  const { batch, vocab } = o;
  const operands = [
    reads('logits', batch * vocab),
    reads('sampling', SAMPLING_WORDS * batch, 'u32'),
    orMore(reads('stop', 2, 'u32')),
    writes('seen', batch * Math.ceil(vocab / 32), 'u32'),
    writes('sequences', SEQUENCE_WORDS * batch, 'u32'),
    writes('ids', batch, 'u32'),
  ];
  return build('sampler', o, operands, false, traits);
}

/**
 * The distribution that a `truncating` sampler would draw from, by the same code.
 * Bindings: logits f32[batch, vocab], sampling u32[batch, 8], seen u32[batch, ceil(vocab / 32)],
 * penalised f32[batch, vocab] (logits after the repetition penalty), kept u32[batch, vocab] (1 where the id survives),
 * probabilities f32[batch, vocab]; the last three read_write.
 */
export function samplerProbabilities(o: Omit<SamplerOptions, 'reach'>, traits: DeviceTraits): KernelCall {
  const { batch, vocab } = o;
  const operands = [
    reads('logits', batch * vocab),
    reads('sampling', SAMPLING_WORDS * batch, 'u32'),
    reads('seen', batch * Math.ceil(vocab / 32), 'u32'),
    writes('penalised', batch * vocab),
    writes('kept', batch * vocab, 'u32'),
    writes('probabilities', batch * vocab),
  ];
  return build('samplerProbabilities', { ...o, reach: 'truncating' }, operands, true, traits);
}
