// Computes the GPU stages of a Qwen2.5-VL fixture folder: vision tower, text layers, attention, logits, decode,
// generate, look-back. Inputs are the folder's ids and our own processor's pixels; no golden is fed back in, but for
// the ids of greedy decoding, which are compared themselves.

import { processQwenImages } from '../../src/data/image/image_processor';
import { sharesOf } from '../../src/generation/attention_recorder';
import type { GpuContext } from '../../src/gpu/device';
import { paddedHeadSize } from '../../src/kernels/attention_shape';
import { KEY_CLASS } from '../../src/kernels/sequence_words';
import { DataError } from '../../src/lib/errors';
import { parseGenerationConfig, parseQwenImageConfig } from '../../src/model/config';
import type { GenerationSession } from '../../src/model/generation_session';
import { rangeKeyClasses } from '../../src/model/kv_cache';
import {
  type ImageInput,
  packPrompts,
  packVision,
  type SamplingOptions,
} from '../../src/model/prompt_packing';
import {
  buildVisionProgram,
  type ModelOnDevice,
  tracePrompt,
  type VisionProgram,
} from '../../src/model/prompt_program';
import { getWindowIndex } from '../../src/model/rope_index';
import { memorySource } from '../../src/model/safetensors';
import { type ModelFiles, readModelJson, VisionLanguageModel } from '../../src/model/vision_language_model';
import type { WeightPrecision } from '../../src/model/weight_layout';
import { Program } from '../../src/tensor/program';
import { Trace } from '../../src/tensor/trace';
import type { CpuRow, Wanted } from './cpu';
import type { FixtureDir } from './fixture_dir';

const IO = 'io.safetensors';
const GREEDY: Omit<SamplingOptions, 'maxNewTokens'> = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  seed: 0,
};

/** A model folder inside a fixture folder. */
export function fixtureFiles(dir: FixtureDir, folder = ''): ModelFiles {
  const prefix = folder ? `${folder}/` : '';
  return {
    name: `${dir.name}${folder ? `/${folder}` : ''}`,
    open: async (file) => (dir.has(prefix + file) ? memorySource(file, dir.bytes(prefix + file)) : null),
  };
}

/** A fixture's prompt with its preprocessed images. */
export interface Prompt {
  readonly inputIds: number[];
  readonly images: ImageInput[];
}

/** Reads the prompt and runs the folder's own image processor. */
export async function readPrompt(dir: FixtureDir): Promise<Prompt> {
  const inputIds = [...((await dir.read({ file: IO, name: 'input_ids' })) as Int32Array)];
  const sources = dir.tensors.filter(({ file, name }) => file === IO && /^image\.\d+$/.test(name));
  sources.sort((a, b) => Number(a.name.slice(6)) - Number(b.name.slice(6)));
  const config = parseQwenImageConfig(dir.json('preprocessor_config.json'));
  const images: ImageInput[] = [];
  for (const { name, shape } of sources) {
    const [height = 0, width = 0, channels = 3] = shape;
    const data = (await dir.read({ file: IO, name })) as Uint8Array;
    const { pixelValues, gridThw } = processQwenImages(
      [{ data, width, height, channels: channels as 3 }],
      config,
    );
    const grid = gridThw[0];
    if (grid) images.push({ pixelValues, gridThw: grid });
  }
  return { inputIds, images };
}

/** Which weights a folder's stages run on, and how they are kept. */
export interface ParityWeights {
  readonly files: ModelFiles;
  readonly precision: WeightPrecision;
}

/** The folder's own weights as its files hold them. */
export function storedWeights(dir: FixtureDir): ParityWeights {
  return { files: fixtureFiles(dir), precision: 'stored' };
}

/** Rows of every GPU stage of the folder's model. */
export async function* modelRows(
  gpu: GpuContext,
  dir: FixtureDir,
  wanted: Wanted,
  { files, precision }: ParityWeights = storedWeights(dir),
): AsyncGenerator<CpuRow> {
  if (!dir.has('config.json') || !dir.has(IO)) return;
  const stages = ['vision', 'text', 'attention', 'logits', 'decode', 'generate', 'lookback'];
  if (!dir.tensors.some(({ stage, name }) => stages.includes(stage) && wanted(stage, name))) return;
  const model = await VisionLanguageModel.load(gpu, files, { precision });
  const prompt = await readPrompt(dir);
  try {
    yield* visionRows(dir, model, prompt, wanted);
    yield* promptRows(gpu, dir, model, prompt, wanted);
    yield* decodeRows(dir, model, prompt, wanted);
    yield* generateRows(dir, model, prompt, wanted);
  } finally {
    model.destroy();
  }
}

/** Runs the tower over images; with `tapped` its intermediate tensors become outputs, named there with their shapes. */
async function runTower(
  model: VisionLanguageModel,
  images: readonly ImageInput[],
  tapped?: Map<string, readonly number[]>,
): Promise<VisionProgram> {
  const rows = images.reduce((sum, { gridThw: [t, h, w] }) => sum + t * h * w, 0);
  const built = await buildVisionProgram(
    model.device,
    rows,
    tapped &&
      ((trace) => (name, tensor) => {
        trace.output(name, tensor);
        tapped.set(name, tensor.shape);
      }),
  );
  for (const [name, data] of Object.entries(packVision(images, model.config.vision, rows)))
    built.program.write(name, data);
  await built.program.run();
  return built;
}

/** Every compared tensor of the vision stage; values by golden name, in pixel_values order. */
async function* visionRows(
  dir: FixtureDir,
  model: VisionLanguageModel,
  prompt: Prompt,
  wanted: Wanted,
): AsyncGenerator<CpuRow> {
  const specs = dir
    .toCompare()
    .filter(({ file, stage, name }) => file === IO && stage === 'vision' && wanted(stage, name));
  if (specs.some(({ name }) => name === 'vit_video.image_embeds')) {
    const video = await runTower(model, await videoInputs(dir));
    const actual = (await video.program.read('image_embeds')) as Float32Array;
    yield { stage: 'vision', file: IO, tensor: 'vit_video.image_embeds', actual, shape: [] };
    video.destroy();
  }
  // A prompt without images has no other tensor of this stage.
  if (prompt.images.length === 0 || specs.length === 0) return;
  const tapped = new Map<string, readonly number[]>();
  const built = await runTower(model, prompt.images, tapped);
  const { vision } = model.config;
  const { windowIndex } = getWindowIndex(
    prompt.images.map(({ gridThw }) => gridThw),
    vision,
  );
  for (const { stage, name, shape: given } of specs) {
    const base = name.replace(/\.permuted$/, '');
    const shape = name === 'image_embeds' ? given : tapped.get(base);
    if (!shape) continue;
    const values = (await built.program.read(base)) as Float32Array;
    const inOrder = name === 'image_embeds' || name.endsWith('.permuted');
    const actual = inOrder ? values : unpermute(values, windowIndex, vision.spatialMergeSize ** 2);
    yield { stage, file: IO, tensor: name, actual, shape };
  }
  built.destroy();
}

async function videoInputs(dir: FixtureDir): Promise<ImageInput[]> {
  const grids = (await dir.read({ file: IO, name: 'vit_video.grid_thw' })) as Int32Array;
  const pixels = (await dir.read({ file: IO, name: 'vit_video.pixel_values' })) as Float32Array;
  const rows = Array.from(
    { length: grids.length / 3 },
    (_, i) => [grids[3 * i] ?? 0, grids[3 * i + 1] ?? 0, grids[3 * i + 2] ?? 0] as const,
  );
  const width = pixels.length / rows.reduce((sum, [t, h, w]) => sum + t * h * w, 0);
  let at = 0;
  return rows.map((gridThw) => {
    const count = gridThw[0] * gridThw[1] * gridThw[2] * width;
    at += count;
    return { gridThw, pixelValues: pixels.slice(at - count, at) };
  });
}

function unpermute(values: Float32Array, windowIndex: Int32Array, unit: number): Float32Array {
  const group = values.length / windowIndex.length;
  const out = new Float32Array(values.length);
  windowIndex.forEach((source, run) => {
    out.set(values.subarray(run * group, (run + 1) * group), source * group);
  });
  if (group % unit !== 0)
    throw new DataError('data/fixture', `${values.length} values do not split into merge groups of ${unit}`);
  return out;
}

/** A finished prompt pass. */
export interface PromptRun {
  readonly program: Program;
  readonly tokens: number;
  read(name: string): Promise<Float32Array>;
  destroy(): void;
}

/** The prompt pass with every row's logits and every intermediate tensor readable. */
export async function runPrompt(gpu: GpuContext, model: ModelOnDevice, prompt: Prompt): Promise<PromptRun> {
  const { config } = model;
  const patches = prompt.images.reduce((sum, { gridThw: [t, h, w] }) => sum + t * h * w, 0);
  const vision = patches ? await buildVisionProgram(model, patches) : undefined;
  if (vision) {
    for (const [name, data] of Object.entries(packVision(prompt.images, config.vision, patches)))
      vision.program.write(name, data);
    await vision.program.run();
  }
  const tokens = prompt.inputIds.length;
  const packed = packPrompts([prompt], config, tokens, (live) => live, 1);
  const trace = new Trace(gpu.traits);
  const scores = tracePrompt(
    trace,
    model,
    { tokens, batch: 1, allRows: true },
    { features: vision?.features },
    (name, tensor) => trace.output(name, tensor),
  );
  trace.output('logits', scores);
  const program = await Program.build(gpu, trace, 'parity prompt');
  for (const [name, data] of Object.entries(packed.inputs))
    if (program.hasInput(name)) program.write(name, data);
  await program.run();
  return {
    program,
    tokens,
    read: async (name) => (await program.read(name)) as Float32Array,
    destroy: () => {
      program.destroy();
      vision?.destroy();
    },
  };
}

/** Rows of a row-major matrix. */
export function selectRows(values: Float32Array, width: number, rows: ArrayLike<number>): Float32Array {
  const out = new Float32Array(rows.length * width);
  Array.from(rows).forEach((row, index) => {
    out.set(values.subarray(row * width, (row + 1) * width), index * width);
  });
  return out;
}

/** Heads without the zeros that fill them up to what the attention kernels take. */
function narrow(values: Float32Array, headDim: number): Float32Array {
  const padded = paddedHeadSize(headDim);
  return padded === headDim ? values : values.filter((_, i) => i % padded < headDim);
}

/** [tokens, heads, size] → [heads, tokens, size]. */
function headsFirst(values: Float32Array, tokens: number, heads: number): Float32Array {
  const size = values.length / tokens / heads;
  const out = new Float32Array(values.length);
  for (let t = 0; t < tokens; t++) {
    for (let h = 0; h < heads; h++)
      out.set(values.subarray((t * heads + h) * size, (t * heads + h + 1) * size), (h * tokens + t) * size);
  }
  return out;
}

async function* promptRows(
  gpu: GpuContext,
  dir: FixtureDir,
  model: VisionLanguageModel,
  prompt: Prompt,
  wanted: Wanted,
): AsyncGenerator<CpuRow> {
  const specs = dir
    .toCompare()
    .filter(
      ({ file, stage, name }) =>
        file === IO && ['text', 'attention', 'logits'].includes(stage) && wanted(stage, name),
    );
  if (specs.length === 0) return;
  const { text } = model.config;
  const run = await runPrompt(gpu, model.device, prompt);
  const rows = dir.find(IO, 'rows')
    ? ((await dir.read({ file: IO, name: 'rows' })) as Int32Array)
    : Int32Array.from({ length: run.tokens }, (_, i) => i);
  for (const { name, stage, shape } of specs) {
    const kv = /^kv\.(\d+)\.([kv])$/.exec(name);
    const attention = /^attn\.(\d+)$/.exec(name);
    let actual: Float32Array | undefined;
    if (kv) {
      const heads = narrow(await run.read(`${kv[2]}.${kv[1]}`), text.headDim);
      actual = headsFirst(heads, run.tokens, text.numKeyValueHeads);
    }
    if (attention) actual = await probabilities(run, Number(attention[1]), rows, text);
    else if (name === 'logits') actual = selectRows(await run.read('logits'), text.vocabSize, rows);
    else if (name.startsWith('text.')) actual = await run.read(name);
    if (actual) yield { stage, file: IO, tensor: name, actual, shape };
  }
  run.destroy();
}

/** p = exp(scale · q·k − lse) from the kernel's own q, k and log-sum-exp: [heads, rows, keys], causal. */
async function probabilities(
  run: PromptRun,
  layer: number,
  rows: ArrayLike<number>,
  text: VisionLanguageModel['config']['text'],
): Promise<Float32Array> {
  const { numAttentionHeads: heads, numKeyValueHeads: kvHeads, headDim } = text;
  const [q, k] = [
    narrow(await run.read(`q.${layer}`), headDim),
    narrow(await run.read(`k.${layer}`), headDim),
  ];
  const lse = await run.read(`lse.${layer}`);
  const out = new Float32Array(heads * rows.length * run.tokens);
  for (let h = 0; h < heads; h++) {
    const kvHead = Math.floor((h * kvHeads) / heads);
    Array.from(rows).forEach((row, index) => {
      for (let key = 0; key <= row; key++) {
        let score = 0;
        for (let d = 0; d < headDim; d++)
          score +=
            (q[(row * heads + h) * headDim + d] ?? 0) * (k[(key * kvHeads + kvHead) * headDim + d] ?? 0);
        out[(h * rows.length + index) * run.tokens + key] = Math.exp(
          score * headDim ** -0.5 - (lse[row * heads + h] ?? 0),
        );
      }
    });
  }
  return out;
}

interface DecodeStep {
  readonly id: number;
  readonly logits: Float32Array | undefined;
  /** [layers, heads, mapSize] and [layers, heads, 5] of the step's query. */
  readonly maps: Float32Array | undefined;
  readonly masses: Float32Array | undefined;
}

/** Greedy steps one at a time, with the classes of all keys replaced by `classes` before the first. */
async function decodeGreedy(
  model: VisionLanguageModel,
  prompt: Prompt,
  steps: number,
  classes: (capacity: number) => Uint32Array,
): Promise<DecodeStep[]> {
  const capacity = prompt.inputIds.length + steps + 1;
  const session = await model.createSession({
    batch: 1,
    capacity,
    capture: { mapLayers: 'all' },
    maxImageTokens: capacity,
    stepsAhead: 0,
    // The goldens go on past an end token.
    eosTokenIds: [],
  });
  try {
    const first = await session.prefill([prompt], [{ ...GREEDY, maxNewTokens: 0 }]);
    session.cache.writeKeyClasses(0, classes(capacity));
    const results: DecodeStep[] = [
      { id: first.ids[0] ?? -1, logits: undefined, maps: undefined, masses: undefined },
    ];
    for (let step = 1; step < steps; step++) {
      const { ids } = await session.step();
      const read = async (name: string): Promise<Float32Array> =>
        (await session.decodeProgram.read(name)) as Float32Array;
      results.push({
        id: ids[0] ?? -1,
        logits: await read('logits'),
        maps: await read('head_maps'),
        masses: await read('head_masses'),
      });
    }
    return results;
  } finally {
    session.destroy();
  }
}

async function* decodeRows(
  dir: FixtureDir,
  model: VisionLanguageModel,
  prompt: Prompt,
  wanted: Wanted,
): AsyncGenerator<CpuRow> {
  const specs = dir
    .toCompare()
    .filter(
      ({ file, stage, name }) => file === IO && ['decode', 'lookback'].includes(stage) && wanted(stage, name),
    );
  if (specs.length === 0) return;
  const { text } = model.config;
  const steps = Math.max(
    dir.find(IO, 'decode.ids')?.shape[0] ?? 0,
    dir.find(IO, 'decode.logits')?.shape[0] ?? 0,
    ...dir.tensors.map(({ name, shape }) =>
      name === 'lookback.ratio' || name === 'lookback.sums'
        ? (shape[0] ?? 0) + 1
        : Number(/^decode\.attn\.(\d+)$/.exec(name)?.[1] ?? -1) + 1,
    ),
  );
  const every = (capacity: number): Uint32Array =>
    Uint32Array.from({ length: capacity }, (_, key) => KEY_CLASS.image | (key << 8));
  const run = await decodeGreedy(model, prompt, steps, every);
  const length = prompt.inputIds.length;
  const capacity = length + steps + 1;
  for (const { name, stage, shape } of specs.filter(({ stage }) => stage === 'decode')) {
    const attention = /^decode\.attn\.(\d+)$/.exec(name);
    let actual: Float32Array | Int32Array | undefined;
    if (name === 'decode.ids') actual = Int32Array.from(run.slice(0, shape[0]), ({ id }) => id);
    else if (name === 'decode.logits') actual = await decodeLogits(model, prompt, run.slice(0, shape[0]));
    else if (attention)
      actual = cropMaps(
        run[Number(attention[1])]?.maps,
        text.numHiddenLayers * text.numAttentionHeads,
        capacity,
        length + Number(attention[1]),
      );
    if (actual) yield { stage, file: IO, tensor: name, actual, shape };
  }
  if (specs.some(({ stage }) => stage === 'lookback')) yield* lookbackRows(specs, model, prompt, steps);
}

async function decodeLogits(
  model: VisionLanguageModel,
  prompt: Prompt,
  steps: readonly DecodeStep[],
): Promise<Float32Array> {
  const { vocabSize } = model.config.text;
  const run = await runPrompt(model.device.gpu, model.device, prompt);
  const out = new Float32Array(steps.length * vocabSize);
  out.set((await run.read('logits')).subarray((run.tokens - 1) * vocabSize, run.tokens * vocabSize));
  run.destroy();
  steps.forEach(({ logits }, index) => {
    if (logits) out.set(logits, index * vocabSize);
  });
  return out;
}

function cropMaps(
  maps: Float32Array | undefined,
  rows: number,
  width: number,
  keys: number,
): Float32Array | undefined {
  if (!maps) return undefined;
  const out = new Float32Array(rows * keys);
  for (let row = 0; row < rows; row++) out.set(maps.subarray(row * width, row * width + keys), row * keys);
  return out;
}

/** First image token, tokens of the first image, prompt length. */
function lookbackRanges(prompt: Prompt, imageTokenId: number): [number, number, number] {
  const start = prompt.inputIds.indexOf(imageTokenId);
  let end = start;
  while (prompt.inputIds[end] === imageTokenId) end++;
  return [start, end - start, prompt.inputIds.length];
}

async function* lookbackRows(
  specs: readonly { name: string; stage: string; shape: readonly number[] }[],
  model: VisionLanguageModel,
  prompt: Prompt,
  steps: number,
): AsyncGenerator<CpuRow> {
  const { imageTokenId, text } = model.config;
  const ranges = lookbackRanges(prompt, imageTokenId);
  const withRest =
    (classes: Uint32Array) =>
    (capacity: number): Uint32Array => {
      const all = new Uint32Array(capacity).fill(KEY_CLASS.generated);
      all.set(classes);
      return all;
    };
  const masked = Uint32Array.from(prompt.inputIds, (id, at) =>
    at < ranges[0] ? KEY_CLASS.beforeImage : id === imageTokenId ? KEY_CLASS.image : KEY_CLASS.query,
  );
  const byRange = await decodeGreedy(model, prompt, steps, withRest(rangeKeyClasses(...ranges)));
  const byMask = await decodeGreedy(model, prompt, steps, withRest(masked));
  for (const { name, stage, shape } of specs.filter((spec) => spec.stage === 'lookback')) {
    let actual: Float32Array | Int32Array | undefined;
    if (name === 'lookback.ranges') actual = Int32Array.from(ranges);
    else if (name === 'lookback.sums')
      actual = Float32Array.from(byRange.slice(1).flatMap(({ masses }) => [...(masses ?? [])]));
    else if (name === 'lookback.ratio') actual = shareRows(byRange, text.numHiddenLayers);
    else if (name === 'lookback.mask_ratio') actual = shareRows(byMask, text.numHiddenLayers);
    const count = shape.reduce((a, b) => a * b, 1);
    if (actual)
      yield { stage, file: IO, tensor: name, actual: actual.subarray(0, count) as typeof actual, shape };
  }
}

function shareRows(steps: readonly DecodeStep[], layers: number): Float32Array {
  return Float32Array.from(
    steps.slice(1).flatMap(({ masses }) => {
      const { image, query, generated } = sharesOf(headMean(masses ?? new Float32Array(0), layers));
      return [image, query, generated];
    }),
  );
}

function headMean(masses: Float32Array, layers: number): Float32Array {
  const heads = masses.length / layers / 5;
  const out = new Float32Array(layers * 5);
  masses.forEach((value, index) => {
    const cell = Math.floor(index / heads / 5) * 5 + (index % 5);
    out[cell] = (out[cell] ?? 0) + value / heads;
  });
  return out;
}

async function* generateRows(
  dir: FixtureDir,
  model: VisionLanguageModel,
  prompt: Prompt,
  wanted: Wanted,
): AsyncGenerator<CpuRow> {
  const spec = dir.find(IO, 'generate.ids');
  if (!spec || !wanted(spec.stage, spec.name)) return;
  const generation = parseGenerationConfig(
    await readModelJson(fixtureFiles(dir), 'generation_config.json'),
    model.config,
  );
  const count = spec.shape[0] ?? 0;
  const sampling: SamplingOptions = {
    ...generation,
    temperature: generation.doSample ? generation.temperature : 0,
    seed: 0,
    maxNewTokens: count,
  };
  const session: GenerationSession = await model.createSession({
    batch: 1,
    capacity: prompt.inputIds.length + count + 1,
    eosTokenIds: generation.eosTokenIds,
  });
  const first = await session.prefill([prompt], [sampling]);
  const ids = [first.ids[0] ?? -1];
  let done = first.done[0];
  while (!done && ids.length < count) {
    const step = await session.step();
    ids.push(step.ids[0] ?? -1);
    done = step.done[0];
  }
  session.destroy();
  yield { stage: spec.stage, file: IO, tensor: spec.name, actual: Int32Array.from(ids), shape: spec.shape };
}

/** Every folder below variants/: its own goldens where it has them, else the logits of the main model. */
export async function* variantRows(gpu: GpuContext, dir: FixtureDir, wanted: Wanted): AsyncGenerator<CpuRow> {
  if (!dir.has('config.json') || !dir.has(IO) || !wanted('logits', 'logits')) return;
  const prompt = await readPrompt(dir);
  for (const folder of dir.variants()) {
    const files = `variants/${folder}/${IO}`;
    const golden = dir.find(files, 'logits') ? files : IO;
    const model = await VisionLanguageModel.load(gpu, fixtureFiles(dir, `variants/${folder}`), {
      precision: 'stored',
    });
    const run = await runPrompt(gpu, model.device, prompt);
    const rows = (await dir.read({ file: golden, name: 'rows' })) as Int32Array;
    const actual = selectRows(await run.read('logits'), model.config.text.vocabSize, rows);
    const spec = dir.find(golden, 'logits');
    yield {
      stage: 'logits',
      file: golden,
      tensor: 'logits',
      label: golden === IO ? `variants/${folder}/logits` : undefined,
      actual,
      shape: spec?.shape ?? [],
    };
    run.destroy();
    model.destroy();
  }
}
