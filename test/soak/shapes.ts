// `npm run soak -- shapes [SET…] [--precision P] [--cache F] [--blocks]`: models in their true sizes, with weights that are
// made and not stored, against values that transformers computed for the same weights (tools/goldens/shapes_set.py): image
// features, text layers, logits, greedy steps over the cache in each format of --cache, with --blocks also the vision tower
// block by block. It prints each comparison, times, and one line of JSON, and exits with 1 when something differs.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { PixelArray } from '../../src/data/image/pillow_resize';
import { acquireDevice, type GpuContext } from '../../src/gpu/device';
import type { CacheFormat } from '../../src/kernels/cache_shape';
import { parseImageProcessor, parseModelConfig } from '../../src/model/config';
import { GenerationSession } from '../../src/model/generation_session';
import { ImageEncoder } from '../../src/model/image_encoder';
import type { ImageInput } from '../../src/model/prompt_packing';
import { getWindowIndex } from '../../src/model/rope_index';
import { parseSafetensors, type SafetensorsFile } from '../../src/model/safetensors';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import { WEIGHT_PRECISIONS, type WeightPrecision } from '../../src/model/weight_layout';
import { expectedShapes, LM_HEAD } from '../../src/model/weight_names';
import { readTensor } from '../../src/tensor/tensor_memory';
import { createNodeGpu } from '../../tools/node_gpu';
import { rasterRows } from '../../tools/parity_stages/prompt_images';
import { runPrompt } from '../../tools/parity_stages/prompt_run';
import { runTower } from '../../tools/parity_stages/vision';
import { hashedFiles } from './shapes/hash_weights';

/** What shapes_set.py writes beside the samples. */
interface ShapeSet {
  readonly int4_prefix: string;
  readonly gains: readonly (readonly [word: string, gain: number])[];
  readonly config: unknown;
  readonly processor: unknown;
  readonly input_ids: number[];
  readonly picture: {
    readonly lcg_seed: number;
    readonly height: number;
    readonly width: number;
    readonly hold: number;
  };
  readonly greedy_ids: readonly number[];
  readonly tolerances: Readonly<Record<string, number>>;
  /** Largest magnitudes by tensor. */
  readonly largest: Readonly<Record<string, number>>;
  readonly parameters: number;
}

const GREEDY = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 0 };
const root = process.env.LOOKBACK_ROOT ?? process.cwd();
const folder = join(root, 'test/fixtures/shapes');
const sets = readdirSync(folder).flatMap((name) => /^(.+)\.json$/.exec(name)?.[1] ?? []);
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    precision: { type: 'string', default: 'int4' },
    cache: { type: 'string', default: 'f32,f16' },
    blocks: { type: 'boolean', default: false },
  },
});
const precision = WEIGHT_PRECISIONS.find((name) => name === values.precision);
const formats = values.cache.split(',').filter((name) => name === 'f32' || name === 'f16');
if (precision === undefined || formats.length === 0 || positionals.some((name) => !sets.includes(name))) {
  const usage = `usage: npm run soak -- shapes [${sets.join('] [')}] [--precision ${WEIGHT_PRECISIONS.join('|')}] [--cache f32|f16|f32,f16] [--blocks]\n`;
  process.stderr.write(usage);
  process.exit(2);
}

/** Bytes of the fixtures' linear congruential generator, each held for some pixels down and across. */
function madePicture({ lcg_seed, height, width, hold }: ShapeSet['picture']): PixelArray {
  const cells = { down: Math.ceil(height / hold), across: Math.ceil(width / hold) };
  let state = lcg_seed;
  const bytes = Uint8Array.from({ length: cells.down * cells.across * 3 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
  const data = Uint8Array.from({ length: height * width * 3 }, (_, at) => {
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)];
    return bytes[(Math.floor(y / hold) * cells.across + Math.floor(x / hold)) * 3 + (at % 3)] ?? 0;
  });
  return { width, height, channels: 3, data };
}

/** The values that the set holds of a tensor: places spread by a multiplicative hash. */
function sampled(all: Float32Array, count: number): Float32Array {
  return Float32Array.from(
    { length: count },
    (_, k) => all[(Math.imul(k, 0x9e3779b1) >>> 0) % all.length] ?? Number.NaN,
  );
}

function largestDifference(actual: Float32Array, golden: Float32Array): number {
  return golden.reduce((most, value, at) => {
    const distance = Math.abs((actual[at] ?? Number.NaN) - value);
    return distance > most || Number.isNaN(distance) ? distance : most;
  }, 0);
}

/** Compares what one set holds with what the engine makes of it. */
class Comparison {
  readonly failures: string[] = [];
  readonly #set: ShapeSet;
  readonly #samples: SafetensorsFile;

  constructor(set: ShapeSet, samples: SafetensorsFile) {
    this.#set = set;
    this.#samples = samples;
  }

  async golden(name: string): Promise<Float32Array> {
    return new Float32Array((await this.#samples.read(name)).buffer);
  }

  /** One tensor of a stage, whole. */
  async check(name: string, all: Float32Array): Promise<void> {
    const golden = await this.golden(name);
    this.#judge(
      name,
      largestDifference(sampled(all, golden.length), golden),
      this.#set.tolerances[name] ?? 0,
    );
  }

  /** The logits of a step; the set holds samples of each step, one after another. @param rounding what it adds to f32's */
  async checkLogits(step: number, logits: Float32Array, rounding = 0): Promise<void> {
    const all = await this.golden('logits');
    const count = all.length / this.#set.greedy_ids.length;
    const golden = all.subarray(step * count, (step + 1) * count);
    const error = largestDifference(sampled(logits, count), golden);
    this.#judge(`logits of step ${step}`, error, (this.#set.tolerances.logits ?? 0) + rounding);
  }

  checkIds(ids: readonly number[]): void {
    const same = ids.join() === this.#set.greedy_ids.join();
    if (!same) this.failures.push('greedy ids');
    process.stdout.write(`${same ? 'same  ' : 'DIFFER'} greedy ids ${ids.join(' ')}\n`);
  }

  #judge(name: string, error: number, tolerance: number): void {
    const ok = error <= tolerance;
    if (!ok) this.failures.push(name);
    const figures = `error ${error.toExponential(2)} of ${tolerance.toExponential(2)}`;
    process.stdout.write(`${ok ? 'within' : 'DIFFER'} ${name} ${figures}\n`);
  }
}

/** One set on its way through the engine. */
interface Run {
  readonly gpu: GpuContext;
  readonly model: VisionLanguageModel;
  readonly prompt: { readonly inputIds: number[]; readonly images: ImageInput[] };
  readonly set: ShapeSet;
  readonly to: Comparison;
}

/** Blocks of the vision tower: a pass of their own, as intermediate tensors have to stay. */
async function compareBlocks({ model, prompt, set, to }: Run): Promise<void> {
  const built = await runTower(model.device, prompt.images, new Map());
  const { spatialMergeSize, windows } = model.config.vision;
  for (const name of Object.keys(set.tolerances).filter((each) => each.startsWith('vision.'))) {
    const values = (await built.program.read(name.replace('vision.', 'vit.'))) as Float32Array;
    await to.check(name, windows ? values : rasterRows(values, prompt.images, spatialMergeSize));
  }
  built.destroy();
}

/** Rows of image tokens in the order of a windowed tower's run, in which the module that makes them gives them. */
function inRunOrder(features: Float32Array, { model, prompt }: Run): Float32Array {
  const { windows, spatialMergeSize } = model.config.vision;
  if (!windows) return features;
  const grids = prompt.images.map(({ gridThw }) => gridThw);
  const { windowIndex } = getWindowIndex(grids, spatialMergeSize, windows.tokens);
  const width = features.length / windowIndex.length;
  const out = new Float32Array(features.length);
  windowIndex.forEach((from, to) => {
    out.set(features.subarray(from * width, (from + 1) * width), to * width);
  });
  return out;
}

/** Image features, text layers and the last row's logits. */
async function comparePrompt(run: Run, images: ImageEncoder): Promise<void> {
  const { gpu, model, prompt, set, to } = run;
  const { text } = model.config;
  const encoded = await images.encode(prompt.images);
  if (!encoded) throw new Error('The set has no picture.');
  const imageTokens = prompt.inputIds.filter((id) => id === model.config.imageTokenId).length;
  const features = (await readTensor(gpu, encoded.features)) as Float32Array;
  await to.check(
    'image_embeds',
    inRunOrder(features.subarray(0, imageTokens * model.config.connector.outHiddenSize), run),
  );
  const pass = await runPrompt(gpu, model.device, prompt, encoded.features);
  for (const name of Object.keys(set.tolerances)) {
    const layer = /^text\.layer_out\.(\d+)$/.exec(name)?.[1];
    if (layer === undefined) continue;
    const next = Number(layer) + 1;
    const tap = next === text.numHiddenLayers ? 'text.pre_norm' : `text.layer_in.${next}`;
    await to.check(name, await pass.read(tap));
  }
  await to.checkLogits(0, (await pass.read('logits')).slice(-text.vocabSize));
  pass.destroy();
}

/** Greedy steps over a cache in a format: that of the goldens, or that of large models. */
async function compareSteps(
  { model, prompt, set, to }: Run,
  images: ImageEncoder,
  cacheFormat: CacheFormat,
): Promise<void> {
  const steps = set.greedy_ids.length;
  const { device, weights, config } = model;
  const matrices = {
    vector: (name: string) => weights.vector(name),
    matrix: (name: string) => weights.matrix(name),
  };
  const session = await GenerationSession.create(
    { ...device, weights: { ...matrices, cacheFormat } },
    { batch: 1, capacity: prompt.inputIds.length + steps + 1, stepsAhead: 0, eosTokenIds: [], images },
  );
  // Keys and values keep 11 bits; the layers' roundings do not know of each other.
  const { numHiddenLayers: layers } = config.text;
  const rounding = cacheFormat === 'f16' ? Math.sqrt(layers) * 2 ** -11 * (set.largest.logits ?? 0) : 0;
  process.stdout.write(`keys and values in ${cacheFormat}:\n`);
  const first = await session.prefill([prompt], [{ ...GREEDY, maxNewTokens: steps }]);
  const ids = [first.ids[0] ?? -1];
  while (ids.length < steps) {
    const { ids: next } = await session.step();
    const logits = (await session.decodeProgram.read('logits')) as Float32Array;
    await to.checkLogits(ids.length, logits, rounding);
    ids.push(next[0] ?? -1);
  }
  to.checkIds(ids);
  session.destroy();
}

async function runSet(
  gpu: GpuContext,
  name: string,
  kept: WeightPrecision,
): Promise<Record<string, unknown>> {
  const set = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as ShapeSet;
  const samples = await parseSafetensors(
    name,
    new Uint8Array(readFileSync(join(folder, `${name}.safetensors`))),
  );
  const spec = parseModelConfig(set.config);
  const shapes = expectedShapes(spec);
  if (spec.tieWordEmbeddings) shapes.delete(LM_HEAD);
  const rule = {
    limit: (tensor: string) => (tensor.startsWith(`${set.int4_prefix}`) ? 7 : 127),
    gain: (tensor: string) => set.gains.find(([word]) => tensor.includes(word))?.[1] ?? 1,
  };
  const to = new Comparison(set, samples);
  const began = performance.now();
  const seconds = (): number => Math.round((performance.now() - began) / 100) / 10;
  const model = await VisionLanguageModel.load(gpu, hashedFiles(name, set.config, shapes, rule), {
    precision: kept,
  });
  const loaded = seconds();
  process.stdout.write(`${name} in ${kept}: ${model.parameterCount} parameters, ready after ${loaded} s\n`);
  const image = parseImageProcessor(set.processor, spec).process(madePicture(set.picture));
  const prompt = { inputIds: set.input_ids, images: [image] };
  const run: Run = { gpu, model, prompt, set, to };
  const images = new ImageEncoder(model.device);
  await comparePrompt(run, images);
  process.stdout.write(`${name}: prompt after ${seconds()} s\n`);
  for (const format of formats) await compareSteps(run, images, format);
  if (values.blocks) await compareBlocks(run);
  images.destroy();
  model.destroy();
  const memory = Math.round(process.resourceUsage().maxRSS / 1024);
  process.stdout.write(`${name}: ${seconds()} s, at most ${memory} MB in this process\n`);
  return {
    set: name,
    precision: kept,
    loadSeconds: loaded,
    seconds: seconds(),
    peakMegabytes: memory,
    failures: to.failures,
  };
}

const gpu = await acquireDevice({ gpu: createNodeGpu() });
const results: Record<string, unknown>[] = [];
for (const name of positionals.length > 0 ? positionals : sets)
  results.push(await runSet(gpu, name, precision));
process.stdout.write(`${JSON.stringify(results)}\n`);
process.exit(results.every(({ failures }) => (failures as string[]).length === 0) ? 0 : 1);
