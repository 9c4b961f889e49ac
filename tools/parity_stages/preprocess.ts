// Computes the preprocess stage of a fixture folder: chosen sizes, and pictures drawn by rule and resized by the
// product's image processors.
import { createHash } from 'node:crypto';
import {
  lookBackEvalSize,
  processQwenImages,
  type QwenImageConfig,
  resizeForQwen,
  smartResize,
} from '../../src/data/image/image_processor';
import { type PixelArray, pillowResize } from '../../src/data/image/pillow_resize';
import { processSmolImage, type SmolImageConfig } from '../../src/data/image/smol_image_processor';
import { configReader } from '../../src/model/families/family';
import { readQwenImageConfig } from '../../src/model/families/qwen_reading';
import type { ComputedRow, Wanted } from './computed_row';
import type { FixtureDir, Values } from './fixture_dir';

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
function proceduralImage(source: Source): PixelArray {
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
    // As one patch, a tile is laid out as the goldens store it: [3, edge, edge].
    patchSize: edge('max_image_size'),
    mergeSize: 1,
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
    tiles: String(tiles.gridThw[0]),
    pixel_values_f32_sha256: sha256(tiles.pixelValues),
    global_tile_f32_sha256: sha256(tiles.pixelValues.subarray(-tile)),
    pixel_values_head: JSON.stringify([...tiles.pixelValues.subarray(0, 8)]),
  };
}

function qwenCase(images: readonly PixelArray[], config: QwenImageConfig): Computed {
  const { pixelValues, rowLength, gridThw } = processQwenImages(images, config);
  const resized = resizeForQwen(images[0] as PixelArray, config);
  return {
    pixel_values: pixelValues,
    // One grid per image as a tensor; cases that list hashes hold a single image and one flat grid.
    grid_thw: Int32Array.from(gridThw.flat()),
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
      return qwenCase(images, readQwenImageConfig(configReader(settings.config, 'cases.json')));
    case 'qwen_error':
      return refusalCase(images, readQwenImageConfig(configReader(settings.config, 'cases.json')));
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
function* caseRows(dir: FixtureDir, name: string, settings: Case, wanted: Wanted): Generator<ComputedRow> {
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

/** Sizes that the processors choose, and the cases of cases.json. */
export async function* preprocessRows(dir: FixtureDir, wanted: Wanted): AsyncGenerator<ComputedRow> {
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
