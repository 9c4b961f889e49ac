// Computes the stages of a fixture folder that need no GPU: image processing, positions, integer vision tables, dtype
// conversions, tokenizer and chat template. Every value is computed by the product's own code from the folder's
// inputs, never copied from a golden.

import type { GridThw } from '../../src/data/image/image_processor';
import { f32ToBf16, f32ToF16 } from '../../src/lib/float_bits';
import { parseModelConfig } from '../../src/model/config';
import {
  getCuFull,
  getWindowIndex,
  promptPositions,
  type RopeTables,
  textRopeTables,
  visionRopeTables,
} from '../../src/model/rope_index';
import { toFloat32 } from '../../src/model/safetensors';
import type { ComputedRow, Wanted } from './computed_row';
import type { FixtureDir, Values } from './fixture_dir';
import { preprocessRows } from './preprocess';
import { joined, promptImages, tileValues } from './prompt_images';
import { tokenizerRows } from './tokenizer';

const IO = 'io.safetensors';

/** [rows, 2 · width]: the half-width table twice, as the goldens store it. */
function duplicateHalves(table: Float32Array, tables: RopeTables): Float32Array {
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

/** Grids of the prompt's images, as the folder lists them or as its own processor gives them. */
async function promptGrids(dir: FixtureDir): Promise<readonly GridThw[]> {
  const name = 'image_grid_thw';
  if (dir.find(IO, name)) return toGrids(await dir.read({ file: IO, name }));
  return (await promptImages(dir)).map(({ gridThw }) => gridThw);
}

async function* processorRows(dir: FixtureDir, wanted: Wanted): AsyncGenerator<ComputedRow> {
  const specs = dir.ofStages(['processor'], wanted).filter(({ file }) => file === IO);
  if (specs.length === 0) return;
  const images = await promptImages(dir);
  const { vision } = parseModelConfig(dir.json('config.json'));
  for (const { name, shape, stage } of specs) {
    const row = { stage, file: IO, tensor: name };
    if (name === 'image_grid_thw') {
      const actual = Int32Array.from(images.flatMap(({ gridThw }) => gridThw));
      yield { ...row, actual, shape: [images.length, 3] };
    } else if (name === 'tile_rows_cols') {
      const actual = Int32Array.from(images.flatMap(({ split: { rows, cols } }) => [rows, cols]));
      yield { ...row, actual, shape: [images.length, 2] };
    } else if (name === 'pixel_values' && shape.length === 4) {
      // Goldens are padded with zero tiles up to the largest number of tiles in a batch; the engine has no batch.
      const tiles = tileValues(images, vision);
      const actual = joined([tiles, new Float32Array(shape.reduce((a, b) => a * b, 1) - tiles.length)]);
      yield { ...row, actual, shape };
    } else if (name === 'pixel_values') {
      const actual = joined(images.map(({ pixelValues }) => pixelValues));
      const patches = images.reduce((sum, { gridThw: [t, h, w] }) => sum + t * h * w, 0);
      yield { ...row, actual, shape: [patches, actual.length / patches] };
    }
  }
}

async function* positionRows(dir: FixtureDir, wanted: Wanted): AsyncGenerator<ComputedRow> {
  const names = ['position_ids', 'rope_delta', 'text.cos', 'text.sin'];
  if (!names.some((name) => dir.find(IO, name) && wanted('position', name))) return;
  const config = parseModelConfig(dir.json('config.json'));
  const ids = (await dir.read({ file: IO, name: 'input_ids' })) as Int32Array;
  const grids = await promptGrids(dir);
  const { positionIds, delta } = promptPositions(ids, grids, config);
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
async function* visionRows(dir: FixtureDir, wanted: Wanted): AsyncGenerator<ComputedRow> {
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
      const { spatialMergeSize, windows } = vision;
      const windowed = windows && getWindowIndex(grids, spatialMergeSize, windows.tokens);
      const actual =
        kind === 'window_index'
          ? windowed?.windowIndex
          : kind === 'cu_window'
            ? windowed?.cuWindow
            : getCuFull(grids);
      if (actual) yield { ...row, actual, shape: [actual.length] };
    }
  }
}

/** `X.as_f32` from X, and `P.to_bf16` / `P.to_f16` from `P.f32`. */
async function* dtypeRows(dir: FixtureDir, wanted: Wanted): AsyncGenerator<ComputedRow> {
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

/**
 * Every CPU-side value of a folder that is wanted: stages processor, position, the tables of vision, preprocess,
 * the dtype vectors of ops, and (stage `tokenizer`) each string and chat of goldens.json. Stages whose files the folder
 * lacks yield nothing. Throws where the folder's config is one that the product refuses.
 */
export async function* cpuRows(dir: FixtureDir, wanted: Wanted = () => true): AsyncGenerator<ComputedRow> {
  yield* processorRows(dir, wanted);
  yield* positionRows(dir, wanted);
  yield* visionRows(dir, wanted);
  yield* preprocessRows(dir, wanted);
  yield* dtypeRows(dir, wanted);
  yield* tokenizerRows(dir, wanted);
}
