// Builds the host arrays of one prompt pass: several prompts packed in segments, their images concatenated, the state
// of the sequences. Padding rows see no key, store no key and are never read.

import type { GridThw } from '../data/image/image_processor';
import { packSampling, packSeen, SAMPLING_WORDS } from '../kernels/sampler';
import { endedSequence, packSequenceStates, type SequenceFields } from '../kernels/sequence_words';
import { ArgumentError, ModelError } from '../lib/errors';
import { itemAt } from '../lib/invariant';
import type { HostArray } from '../tensor/program';
import { gridTokens, promptPositions, textRopeTables } from './rope_index';
import { featureRows, type ModelSpec } from './spec';
import { orderPatches, patchWidth, visionLayout } from './vision_transformer';

/** A preprocessed image. */
export interface ImageInput {
  /** [patches, patch values] in the processor's row order. */
  readonly pixelValues: Float32Array;
  readonly gridThw: GridThw;
}

/** A prompt whose image tokens are expanded already. */
export interface PromptInput {
  readonly inputIds: readonly number[];
  readonly images: readonly ImageInput[];
}

/** The images of prompts, in order. */
export function imagesOf(prompts: readonly PromptInput[]): ImageInput[] {
  return prompts.flatMap(({ images }) => images);
}

/** How to choose the next token, in transformers' order of processing. */
export interface SamplingOptions {
  /** 0 is greedy. */
  readonly temperature: number;
  /** 0 = off. */
  readonly topK: number;
  /** 1 = off. */
  readonly topP: number;
  /** 0 = off. */
  readonly minP: number;
  /** 1 = off; covers the prompt, image tokens included, as transformers does. */
  readonly repetitionPenalty: number;
  readonly seed: number;
  readonly maxNewTokens: number;
}

/** A prompt with how to sample each of the completions that share it. */
export interface SharedPrompt {
  readonly prompt: PromptInput;
  readonly sampling: readonly SamplingOptions[];
}

/** Prompts packed one after another. */
export interface PackedPrompts {
  /** Padded tokens. */
  readonly tokens: number;
  /** Inputs of the prompt program by name. */
  readonly inputs: Readonly<Record<string, HostArray>>;
  /** Of each prompt, in order. */
  readonly places: readonly PromptPlace[];
  /** Prompts that there is room for. */
  readonly prompts: number;
  /** u32 [prompts, ceil(V / 32)] */
  readonly seen: Uint32Array<ArrayBuffer>;
}

/** What the sequences that go on from a prompt need to know of it. */
interface PromptPlace {
  readonly length: number;
  /** Position of the token after the prompt minus the prompt's length. */
  readonly delta: number;
  readonly lastId: number;
}

const SKIP = 0xffffffff;

/**
 * @param capacity tokens per sequence in the cache
 * @param bucket   padded size for a live count
 * @param batch    sequences of the session, ≥ prompts
 * @param firstSlot cache slot of the first prompt
 * @param cached   of the only prompt: first tokens whose keys its slot holds already, none of them cut out of an image;
 *                 their rows are left out, and ranges count in the cache
 * @throws ArgumentError for an empty or too long prompt; ModelError `model/image-tokens` when grids and ids disagree
 */
export function packPrompts(
  prompts: readonly PromptInput[],
  config: ModelSpec,
  capacity: number,
  bucket: (live: number) => number,
  batch: number,
  firstSlot = 0,
  cached = 0,
): PackedPrompts {
  if (prompts.length === 0 || prompts.length > batch)
    throw new ArgumentError(`Between 1 and ${batch} prompts fit this session, not ${prompts.length}.`);
  prompts.forEach(({ inputIds }, index) => {
    checkPrompt(inputIds, index, config, capacity);
  });
  const live = prompts.reduce((sum, { inputIds }) => sum + inputIds.length, 0) - cached;
  const tokens = bucket(live);
  const { text } = config;
  const half = text.headDim / 2;
  const inputs = {
    ids: new Uint32Array(tokens),
    image_rows: new Int32Array(tokens).fill(-1),
    cos: new Float32Array(tokens * half),
    sin: new Float32Array(tokens * half),
    rotary_rows: Uint32Array.from({ length: tokens }, (_, row) => row),
    ranges: new Uint32Array(4 * tokens),
    targets: new Uint32Array(2 * tokens).fill(SKIP),
    last_rows: new Uint32Array(batch),
  };
  const words = Math.ceil(text.vocabSize / 32);
  const seen = new Uint32Array(batch * words);
  const places: PromptPlace[] = [];
  let begin = 0;
  let feature = 0;
  prompts.forEach(({ inputIds, images }, slot) => {
    const grids = images.map(({ gridThw }) => gridThw);
    const { positionIds, delta } = promptPositions(inputIds, grids, config);
    const tables = textRopeTables(positionIds, text);
    inputs.cos.set(tables.cos.subarray(cached * half), begin * half);
    inputs.sin.set(tables.sin.subarray(cached * half), begin * half);
    inputIds.slice(cached).forEach((id, index) => {
      const row = begin + index;
      inputs.ids[row] = id;
      if (id === config.imageTokenId) inputs.image_rows[row] = feature++ * featureRows(config.connector);
      inputs.ranges.set([0, 0, begin, row + 1 + cached], 4 * row);
      inputs.targets.set([firstSlot + slot, index + cached], 2 * row);
    });
    seen.set(packSeen(text.vocabSize, inputIds), slot * words);
    begin += inputIds.length - cached;
    inputs.last_rows[slot] = begin - 1;
    const lastId = inputIds.at(-1) as number;
    places.push({ length: inputIds.length, delta, lastId });
  });
  return { tokens, inputs, places, prompts: batch, seen };
}

function checkPrompt(inputIds: readonly number[], index: number, config: ModelSpec, capacity: number): void {
  if (inputIds.length === 0) throw new ArgumentError(`Prompt ${index} is empty.`);
  if (inputIds.length > capacity) {
    throw new ArgumentError(
      `Prompt ${index} has ${inputIds.length} tokens; the session holds ${capacity}. Shorten it or use a smaller picture.`,
    );
  }
  const { vocabSize } = config.text;
  const bad = inputIds.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
  if (bad !== undefined)
    throw new ModelError(
      'model/token',
      `Prompt ${index} has the token id ${bad}; the vocabulary ends at ${vocabSize - 1}.`,
    );
}

/** u32 [batch, 8]: state before the prompt's sampler advances it; sequences without a prompt are finished. */
export function packSequences(packed: PackedPrompts, batch: number): Uint32Array<ArrayBuffer> {
  return packSequenceStates(
    Array.from({ length: batch }, (_, slot): SequenceFields => {
      const placed = packed.places[slot];
      if (!placed) return endedSequence(slot);
      const { length, delta } = placed;
      const own = { slot, length: length - 1, position: length - 1 + delta };
      return { ...own, prefixSlot: 0, prefixLength: 0, generated: 0, done: 0, token: 0 };
    }),
  );
}

/** u32 [1, 8]: state of a sequence that is fed a given token behind `length` cached ones. @param delta as {@link PromptPlace} */
export function packGivenToken(token: number, length: number, delta: number): Uint32Array<ArrayBuffer> {
  const own = { slot: 0, length, position: length + delta, token };
  return packSequenceStates([{ ...own, prefixSlot: 0, prefixLength: 0, generated: 0, done: 0 }]);
}

/**
 * State of completions that share prompts: each begins with its prompt's last token as the id to feed, at index 0 of a
 * slot of its own, and sees all of the prompt before that token. Prompt slots come after the `batch` own ones.
 * @param completions how many share each prompt
 * @returns sequences u32 [batch, 8] and seen u32 [batch, ceil(V / 32)]
 */
export function packSharedSequences(
  packed: PackedPrompts,
  completions: readonly number[],
  batch: number,
): { readonly sequences: Uint32Array<ArrayBuffer>; readonly seen: Uint32Array<ArrayBuffer> } {
  const states = Array.from({ length: batch }, (_, slot) => endedSequence(slot));
  const width = packed.seen.length / packed.prompts;
  const seen = new Uint32Array(batch * width);
  let slot = 0;
  packed.places.forEach(({ length, delta, lastId }, index) => {
    const prefix = { prefixSlot: batch + index, prefixLength: length - 1 };
    const first = { length: 0, position: length - 1 + delta, generated: 0, done: 0, token: lastId };
    for (const end = slot + itemAt(completions, index); slot < end; slot++) {
      states[slot] = { slot, ...prefix, ...first };
      seen.set(packed.seen.subarray(index * width, (index + 1) * width), slot * width);
    }
  });
  return { sequences: packSequenceStates(states), seen };
}

/**
 * u32 [batch, 8]: sampling settings of every sequence, in the sampler's layout.
 * @throws ArgumentError naming a setting that is out of range
 */
export function packSamplingBatch(
  sampling: readonly SamplingOptions[],
  batch: number,
): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(SAMPLING_WORDS * batch);
  sampling.forEach((options, slot) => {
    words.set(packSampling(options), SAMPLING_WORDS * slot);
  });
  return words;
}

/** `vision.feature_rows.k`: row of part k of each merged row's features, whose parts lie side by side. */
function placements(mergedRows: Uint32Array, parts: number): Record<string, HostArray> {
  const rowsOf = (part: number): Uint32Array => mergedRows.map((row) => row * parts + part);
  return Object.fromEntries(
    Array.from({ length: parts }, (_, part) => [`vision.feature_rows.${part}`, rowsOf(part)]),
  );
}

/**
 * Inputs of the vision program for a list of images, padded to `rows` patch rows.
 * @throws ModelError `model/image` when pixel values and grids disagree
 */
export function packVision(
  images: readonly ImageInput[],
  { vision, connector }: ModelSpec,
  rows: number,
): Record<string, HostArray> {
  const width = patchWidth(vision);
  const grids = images.map(({ gridThw }) => gridThw);
  const unit = vision.spatialMergeSize ** 2;
  const pixels = new Float32Array(rows * width);
  let at = 0;
  images.forEach(({ pixelValues, gridThw }, index) => {
    const patches = gridTokens(gridThw, vision.spatialMergeSize) * unit;
    if (pixelValues.length !== patches * width) {
      throw new ModelError(
        'model/image',
        `Image ${index} has ${pixelValues.length} values; its grid [${gridThw.join(', ')}] needs ${patches * width}.`,
      );
    }
    pixels.set(pixelValues, at);
    at += pixelValues.length;
  });
  const layout = visionLayout(grids, vision, rows);
  return {
    pixel_values: orderPatches(pixels, layout.order, width),
    'vision.cos': layout.cos,
    'vision.sin': layout.sin,
    'vision.rotary_rows': layout.rotaryRows,
    ...(layout.windowRanges ? { 'vision.window_ranges': layout.windowRanges } : {}),
    'vision.full_ranges': layout.fullRanges,
    ...(layout.positions
      ? {
          'vision.position_index': layout.positions.index,
          'vision.position_weights': layout.positions.weights,
        }
      : {}),
    ...placements(layout.mergedRows, featureRows(connector)),
  };
}
