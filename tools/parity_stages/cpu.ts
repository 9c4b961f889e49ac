// Computes the stages of a fixture folder that need no GPU: image processing, positions, integer vision tables, dtype
// conversions, tokenizer and chat template. Every value is computed by the product's own code from the folder's
// inputs, never copied from a golden.
import { createHash } from 'node:crypto';
import {
  type GridThw,
  lookBackEvalSize,
  processQwenImages,
  processSmolImage,
  type QwenImageConfig,
  resizeForQwen,
  type SmolImageConfig,
  smartResize,
} from '../../src/data/image/image_processor';
import { type PixelArray, pillowResize } from '../../src/data/image/pillow_resize';
import { applyChatTemplate, promptLength } from '../../src/data/text/chat_template';
import { type ChatMessage, createTokenizer, type Tokenizer } from '../../src/data/text/tokenizer';
import { f32ToBf16, f32ToF16 } from '../../src/lib/float_bits';
import { parseModelConfig, parseQwenImageConfig } from '../../src/model/config';
import {
  getCuFull,
  getRopeIndex,
  getWindowIndex,
  type RopeTables,
  textRopeTables,
  visionRopeTables,
} from '../../src/model/rope_index';
import { toFloat32 } from '../../src/model/safetensors';
import type { FixtureDir, Values } from './fixture_dir';

/** A computed value. Rows without `golden` belong to the manifest's tensor of that file and name. */
export interface CpuRow {
  readonly stage: string;
  /** File of the folder that holds the golden. */
  readonly file: string;
  /** Name of the tensor; for JSON goldens the path inside the file. */
  readonly tensor: string;
  /** Shown instead of `tensor` where several rows compare with one golden. */
  readonly label?: string | undefined;
  readonly actual: Values | string;
  readonly shape: readonly number[];
  /** What it must equal exactly, for goldens that are JSON rather than tensors. */
  readonly golden?: Values | string;
}

/** Which rows to compute; others are skipped before any work is done. */
export type Wanted = (stage: string, tensor: string) => boolean;

const IO = 'io.safetensors';

/** [rows, 2 · width]: the half-width table twice, as the goldens store it. */
export function duplicateHalves(table: Float32Array, tables: RopeTables): Float32Array {
  const { rows, width } = tables;
  const full = new Float32Array(rows * width * 2);
  for (let row = 0; row < rows; row++) {
    const half = table.subarray(row * width, (row + 1) * width);
    full.set(half, row * width * 2);
    full.set(half, row * width * 2 + width);
  }
  return full;
}

function toGrids(values: Values): GridThw[] {
  const grids: GridThw[] = [];
  for (let i = 0; i < values.length; i += 3) {
    grids.push([Number(values[i]), Number(values[i + 1]), Number(values[i + 2])]);
  }
  return grids;
}

/** Grids of the prompt's images; a prompt without any has no such tensor. */
async function promptGrids(dir: FixtureDir): Promise<GridThw[]> {
  const name = 'image_grid_thw';
  return dir.find(IO, name) ? toGrids(await dir.read({ file: IO, name })) : [];
}

function flatGrids(grids: readonly GridThw[]): Int32Array {
  return Int32Array.from(grids.flat());
}

/** The images `image.0`, `image.1`, … of a folder. */
async function inputImages(dir: FixtureDir): Promise<PixelArray[]> {
  const specs = dir.tensors.filter((spec) => spec.file === IO && /^image\.\d+$/.test(spec.name));
  specs.sort((a, b) => Number(a.name.slice(6)) - Number(b.name.slice(6)));
  return Promise.all(
    specs.map(async (spec) => {
      const [height = 0, width = 0, channels = 1] = spec.shape;
      return { width, height, channels, data: (await dir.read(spec)) as Uint8Array };
    }),
  );
}

async function* processorRows(dir: FixtureDir, wanted: Wanted): AsyncGenerator<CpuRow> {
  const names = ['pixel_values', 'image_grid_thw'];
  if (!names.some((name) => dir.find(IO, name) && wanted('processor', name))) return;
  const config = parseQwenImageConfig(dir.json('preprocessor_config.json'));
  const { pixelValues, rowLength, gridThw } = processQwenImages(await inputImages(dir), config);
  const rows = { stage: 'processor', file: IO };
  yield {
    ...rows,
    tensor: 'pixel_values',
    actual: pixelValues,
    shape: [pixelValues.length / rowLength, rowLength],
  };
  yield { ...rows, tensor: 'image_grid_thw', actual: flatGrids(gridThw), shape: [gridThw.length, 3] };
}

async function* positionRows(dir: FixtureDir, wanted: Wanted): AsyncGenerator<CpuRow> {
  const names = ['position_ids', 'rope_delta', 'text.cos', 'text.sin'];
  if (!names.some((name) => dir.find(IO, name) && wanted('position', name))) return;
  const config = parseModelConfig(dir.json('config.json'));
  const ids = (await dir.read({ file: IO, name: 'input_ids' })) as Int32Array;
  const grids = await promptGrids(dir);
  const { positionIds, delta } = getRopeIndex(ids, grids, {
    imageTokenId: config.imageTokenId,
    videoTokenId: config.videoTokenId,
    spatialMergeSize: config.vision.spatialMergeSize,
  });
  const tables = textRopeTables(positionIds, config.text);
  const rows = { stage: 'position', file: IO };
  const shape = [tables.rows, tables.width * 2];
  yield { ...rows, tensor: 'position_ids', actual: positionIds, shape: [3, ids.length] };
  yield { ...rows, tensor: 'rope_delta', actual: Int32Array.of(delta), shape: [1] };
  yield { ...rows, tensor: 'text.cos', actual: duplicateHalves(tables.cos, tables), shape };
  yield { ...rows, tensor: 'text.sin', actual: duplicateHalves(tables.sin, tables), shape };
}

const VISION_TABLE = /^(.+)\.(window_index|cu_window|cu_full|cos|sin)$/;

/** `P.window_index`, `P.cu_*`, `P.cos`, `P.sin` for every prefix P of the vision stage, each with its own grids. */
async function* visionRows(dir: FixtureDir, wanted: Wanted): AsyncGenerator<CpuRow> {
  const specs = dir.toCompare().filter((spec) => spec.stage === 'vision' && VISION_TABLE.test(spec.name));
  for (const spec of specs.filter((each) => wanted('vision', each.name))) {
    const { vision } = parseModelConfig(dir.json('config.json'));
    const [, prefix = '', kind] = VISION_TABLE.exec(spec.name) ?? [];
    const own = `${prefix}.grid_thw`;
    const name = dir.find(spec.file, own) ? own : 'image_grid_thw';
    const grids = toGrids(await dir.read({ file: spec.file, name }));
    const row = { stage: 'vision', file: spec.file, tensor: spec.name };
    if (kind === 'cos' || kind === 'sin') {
      const tables = visionRopeTables(grids, vision);
      yield { ...row, actual: duplicateHalves(tables[kind], tables), shape: [tables.rows, tables.width * 2] };
    } else {
      const { windowIndex, cuWindow } = getWindowIndex(grids, vision);
      const actual =
        kind === 'window_index' ? windowIndex : kind === 'cu_window' ? cuWindow : getCuFull(grids);
      yield { ...row, actual, shape: [actual.length] };
    }
  }
}

interface Source {
  readonly lcg_seed: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

interface Case {
  readonly kind: string;
  readonly source?: Source;
  readonly sources?: readonly Source[];
  readonly config?: Readonly<Record<string, unknown>>;
  readonly [golden: string]: unknown;
}

/** The procedural bytes that the manifests' conventions define: a 32-bit LCG, top byte of each state. */
export function proceduralImage(source: Source): PixelArray {
  const { height, width, channels } = source;
  const data = new Uint8Array(height * width * channels);
  let state = source.lcg_seed >>> 0;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state >>> 24;
  }
  return { width, height, channels, data };
}

function smolConfig(json: Readonly<Record<string, unknown>>): SmolImageConfig {
  const edge = (key: string): number => (json[key] as { longest_edge: number }).longest_edge;
  return {
    doImageSplitting: json.do_image_splitting as boolean,
    longestEdge: edge('size'),
    tileEdge: edge('max_image_size'),
    imageMean: json.image_mean as [number, number, number],
    imageStd: json.image_std as [number, number, number],
    rescaleFactor: json.rescale_factor as number,
  };
}

const sha256 = (values: Values): string =>
  createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex');

type Computed = { readonly [name: string]: Values | string };

function smolCase(images: readonly PixelArray[], settings: Case): Computed {
  const config = smolConfig(settings.config ?? {});
  const tiles = processSmolImage(images[0] as PixelArray, config);
  const tile = 3 * config.tileEdge * config.tileEdge;
  return {
    pixel_values: tiles.pixelValues,
    rows: String(tiles.rows),
    cols: String(tiles.cols),
    tiles: String(tiles.count),
    pixel_values_f32_sha256: sha256(tiles.pixelValues),
    global_tile_f32_sha256: sha256(tiles.pixelValues.subarray((tiles.count - 1) * tile)),
    pixel_values_head: JSON.stringify([...tiles.pixelValues.subarray(0, 8)]),
  };
}

function qwenCase(images: readonly PixelArray[], config: QwenImageConfig): Computed {
  const { pixelValues, rowLength, gridThw } = processQwenImages(images, config);
  const resized = resizeForQwen(images[0] as PixelArray, config);
  return {
    pixel_values: pixelValues,
    // One grid per image as a tensor; cases that list hashes hold a single image and one flat grid.
    grid_thw: flatGrids(gridThw),
    'grid_thw.json': JSON.stringify(gridThw.flat()),
    resized: JSON.stringify([resized.height, resized.width]),
    resized_u8_sha256: sha256(resized.data),
    pixel_values_shape: JSON.stringify([pixelValues.length / rowLength, rowLength]),
    pixel_values_f32_sha256: sha256(pixelValues),
    pixel_values_head: JSON.stringify([...pixelValues.subarray(0, 8)]),
  };
}

function lookBackCase(image: PixelArray): Computed {
  const [h1, w1] = lookBackEvalSize(image.height, image.width);
  // Limits of the released checkpoints' preprocessor_config.json; the case does not repeat them.
  const [h2, w2] = smartResize(h1, w1, 28, 3136, 12845056);
  const first = pillowResize(image, w1, h1, 'bicubic');
  const second = pillowResize(first, w2, h2, 'bicubic');
  return {
    first: JSON.stringify([h1, w1]),
    second: JSON.stringify([h2, w2]),
    first_u8_sha256: sha256(first.data),
    second_u8_sha256: sha256(second.data),
  };
}

function refusalCase(images: readonly PixelArray[], config: QwenImageConfig): Computed {
  try {
    processQwenImages(images, config);
    return { error: 'accepted' };
  } catch {
    return { error: 'refused' };
  }
}

function computeCase(settings: Case): Computed {
  const sources = settings.sources ?? (settings.source ? [settings.source] : []);
  const images = sources.map(proceduralImage);
  const [image] = images;
  if (image === undefined) return {};
  switch (settings.kind) {
    case 'pillow_resize': {
      const [width, height] = [Number(settings.out_width), Number(settings.out_height)];
      return {
        bicubic: pillowResize(image, width, height, 'bicubic').data,
        lanczos: pillowResize(image, width, height, 'lanczos').data,
      };
    }
    case 'qwen':
    case 'qwen_hashed':
      return qwenCase(images, parseQwenImageConfig(settings.config));
    case 'qwen_error':
      return refusalCase(images, parseQwenImageConfig(settings.config));
    case 'smol':
    case 'smol_hashed':
      return smolCase(images, settings);
    case 'lookback_eval':
      return lookBackCase(image);
    default:
      return {};
  }
}

/** Settings of a case, as opposed to goldens. */
const CASE_SETTINGS = new Set(['kind', 'source', 'sources', 'config', 'out_height', 'out_width', 'note']);

/** Rows of one case: its tensors in the manifest, then the goldens that the case itself lists. */
function* caseRows(dir: FixtureDir, name: string, settings: Case, wanted: Wanted): Generator<CpuRow> {
  const tensors = dir.tensors.filter(
    (spec) => spec.name.startsWith(`${name}.`) && wanted(spec.stage, spec.name),
  );
  const listed = Object.keys(settings).filter(
    (key) => !CASE_SETTINGS.has(key) && wanted('preprocess', `${name}.${key}`),
  );
  if (tensors.length + listed.length === 0) return;
  const computed = computeCase(settings);
  for (const spec of tensors) {
    const actual = computed[spec.name.slice(name.length + 1)];
    if (actual !== undefined)
      yield { stage: spec.stage, file: spec.file, tensor: spec.name, actual, shape: spec.shape };
  }
  for (const key of listed) {
    const actual = computed[`${key}.json`] ?? computed[key] ?? 'not computed';
    const text = typeof actual === 'string' ? actual : sha256(actual);
    const value = settings[key];
    const golden = key === 'error' ? 'refused' : typeof value === 'string' ? value : JSON.stringify(value);
    yield {
      stage: 'preprocess',
      file: 'cases.json',
      tensor: `${name}.${key}`,
      actual: text,
      shape: [],
      golden,
    };
  }
}

/** Output sizes, or -1, -1 where the size is refused, appended to each row of inputs. */
function smartResizeRow(inputs: readonly number[]): number[] {
  const [h = 0, w = 0, factor = 1, min = 0, max = 0] = inputs;
  try {
    return smartResize(h, w, factor, min, max);
  } catch {
    return [-1, -1];
  }
}

async function* preprocessRows(dir: FixtureDir, wanted: Wanted): AsyncGenerator<CpuRow> {
  for (const spec of dir.tensors) {
    if (spec.stage !== 'preprocess' || !spec.name.startsWith('smart_resize')) continue;
    if (!wanted('preprocess', spec.name)) continue;
    const golden = (await dir.read(spec)) as Int32Array;
    const columns = spec.shape[1] ?? 1;
    const actual = new Int32Array(golden.length);
    for (let at = 0; at < golden.length; at += columns) {
      const inputs = golden.subarray(at, at + 5);
      const result = smartResizeRow([...inputs]);
      // Rows of five list sizes that must be refused: an accepted one is made to differ.
      const row = columns === 7 ? [...inputs, ...result] : result[0] === -1 ? inputs : [-1, -1, -1, -1, -1];
      actual.set(row, at);
    }
    yield { stage: 'preprocess', file: spec.file, tensor: spec.name, actual, shape: spec.shape };
  }
  if (!dir.has('cases.json')) return;
  const cases = dir.json('cases.json') as Readonly<Record<string, Case>>;
  for (const [name, settings] of Object.entries(cases)) yield* caseRows(dir, name, settings, wanted);
}

/** `X.as_f32` from X, and `P.to_bf16` / `P.to_f16` from `P.f32`. */
async function* dtypeRows(dir: FixtureDir, wanted: Wanted): AsyncGenerator<CpuRow> {
  for (const spec of dir.toCompare()) {
    if (spec.stage !== 'ops' || !wanted('ops', spec.name)) continue;
    const row = { stage: 'ops', file: spec.file, tensor: spec.name, shape: spec.shape };
    const file = await dir.safetensors(spec.file);
    const widened = /^(.+)\.as_f32$/.exec(spec.name)?.[1];
    const entry = widened === undefined ? undefined : file.tensors.get(widened);
    if (widened !== undefined && entry !== undefined) {
      yield { ...row, actual: toFloat32(entry.dtype, await file.read(widened)) };
    }
    const [, prefix, target] = /^(.+)\.to_(bf16|f16)$/.exec(spec.name) ?? [];
    if (prefix !== undefined && file.tensors.has(`${prefix}.f32`)) {
      const values = toFloat32('F32', await file.read(`${prefix}.f32`));
      yield { ...row, actual: target === 'bf16' ? f32ToBf16(values) : f32ToF16(values) };
    }
  }
}

interface StringGolden {
  readonly text: string;
  readonly ids: readonly number[];
  readonly offsets?: readonly (readonly [number, number])[];
  readonly decoded?: string;
  readonly decoded_skip_special?: string;
  readonly prefix_decodes?: readonly string[];
}

interface ChatGolden {
  readonly name: string;
  readonly messages: readonly ChatMessage[];
  readonly add_generation_prompt: boolean;
  readonly add_vision_id?: boolean;
  readonly grids: readonly GridThw[];
  readonly rendered: string;
  readonly ids: readonly number[];
  readonly prompt_length?: number;
}

/** UTF-16 offsets as code points, which is how the goldens count. */
function codePointOffsets(text: string, offsets: readonly (readonly [number, number])[]): number[][] {
  const points = new Int32Array(text.length + 1);
  let count = 0;
  for (let at = 0; at < text.length; ) {
    const units = (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
    points.fill(count, at, at + units);
    at += units;
    count += 1;
  }
  points[text.length] = count;
  return offsets.map(([start, end]) => [points[start] ?? -1, points[end] ?? -1]);
}

/** Decodes of every prefix, from one pass of the stream decoder: what is final, and what would be held back. */
function streamedPrefixes(tokenizer: Tokenizer, ids: readonly number[]): string[] {
  const decoder = tokenizer.createStreamDecoder();
  let final = '';
  return ids.map((id, i) => {
    final += decoder.push(id);
    const whole = tokenizer.decode(ids.slice(0, i + 1));
    return whole.startsWith(final) ? whole : `streamed ${JSON.stringify(final)}`;
  });
}

function* stringRows(
  tokenizer: Tokenizer,
  golden: StringGolden,
  index: number,
): Generator<[string, string, string]> {
  const { ids, offsets } = tokenizer.encodeWithOffsets(golden.text);
  const name = `strings.${index}`;
  const json = JSON.stringify;
  yield [`${name}.ids`, json(tokenizer.encode(golden.text)), json(golden.ids)];
  if (golden.offsets) {
    yield [
      `${name}.offsets`,
      json({ ids, at: codePointOffsets(golden.text, offsets) }),
      json({ ids: golden.ids, at: golden.offsets }),
    ];
  }
  if (golden.decoded !== undefined) yield [`${name}.decoded`, tokenizer.decode(golden.ids), golden.decoded];
  if (golden.decoded_skip_special !== undefined) {
    const text = tokenizer.decode(golden.ids, { skipSpecialTokens: true });
    yield [`${name}.decoded_skip_special`, text, golden.decoded_skip_special];
    const decoder = tokenizer.createStreamDecoder({ skipSpecialTokens: true });
    const streamed = golden.ids.map((id) => decoder.push(id)).join('') + decoder.end();
    yield [`${name}.streamed_skip_special`, streamed, golden.decoded_skip_special];
  }
  if (golden.prefix_decodes) {
    yield [
      `${name}.prefix_decodes`,
      json(streamedPrefixes(tokenizer, golden.ids)),
      json(golden.prefix_decodes),
    ];
  }
}

function* chatRows(
  tokenizer: Tokenizer,
  golden: ChatGolden,
  index: number,
): Generator<[string, string, string]> {
  const imageTokenId = tokenizer.tokenId('<|image_pad|>') ?? -1;
  // The goldens were rendered for the family's 2 × 2 merge; a folder of tokenizer files carries no model config.
  const config = { imageTokenId, spatialMergeSize: 2 };
  const options = {
    addGenerationPrompt: golden.add_generation_prompt,
    ...(golden.add_vision_id === undefined ? {} : { addVisionId: golden.add_vision_id }),
  };
  const name = `chats.${index}`;
  const { text, ids } = applyChatTemplate(tokenizer, golden.messages, golden.grids, config, options);
  yield [`${name}.rendered`, text, golden.rendered];
  yield [`${name}.ids`, JSON.stringify(ids), JSON.stringify(golden.ids)];
  if (golden.prompt_length !== undefined) {
    const length = promptLength(tokenizer, golden.messages, golden.grids, config);
    yield [`${name}.prompt_length`, String(length), String(golden.prompt_length)];
  }
}

function* tokenizerRows(dir: FixtureDir, wanted: Wanted): Generator<CpuRow> {
  if (!dir.has('goldens.json') || !dir.has('tokenizer.json')) return;
  const tokenizer = createTokenizer({
    tokenizerJson: dir.json('tokenizer.json'),
    tokenizerConfig: dir.json('tokenizer_config.json'),
    ...(dir.has('chat_template.jinja')
      ? { chatTemplate: new TextDecoder().decode(dir.bytes('chat_template.jinja')) }
      : {}),
  });
  const goldens = dir.json('goldens.json') as {
    readonly strings?: readonly StringGolden[];
    readonly chats?: readonly ChatGolden[];
  };
  const row = (tensor: string, actual: string, golden: string): CpuRow => {
    return { stage: 'tokenizer', file: 'goldens.json', tensor, actual, shape: [], golden };
  };
  for (const [index, golden] of (goldens.strings ?? []).entries()) {
    for (const [name, actual, expected] of stringRows(tokenizer, golden, index)) {
      if (wanted('tokenizer', name)) yield row(name, actual, expected);
    }
  }
  for (const [index, golden] of (goldens.chats ?? []).entries()) {
    for (const [name, actual, expected] of chatRows(tokenizer, golden, index)) {
      if (wanted('tokenizer', name)) yield row(name, actual, expected);
    }
  }
}

/**
 * Every CPU-side value of a folder that is wanted: stages processor, position, the tables of vision, preprocess,
 * the dtype vectors of ops, and (stage `tokenizer`) each string and chat of goldens.json. Stages whose files the folder
 * lacks yield nothing. Throws where the folder's config is one that the product refuses.
 */
export async function* cpuRows(dir: FixtureDir, wanted: Wanted = () => true): AsyncGenerator<CpuRow> {
  yield* processorRows(dir, wanted);
  yield* positionRows(dir, wanted);
  yield* visionRows(dir, wanted);
  yield* preprocessRows(dir, wanted);
  yield* dtypeRows(dir, wanted);
  yield* tokenizerRows(dir, wanted);
}
