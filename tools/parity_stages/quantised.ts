// Compares a fixture folder's model with quantised weights. With the same engine over f32 weights that hold the
// dequantised values: the kernels must agree as closely as the manifest asks of f32 weights. With the goldens of the stored
// weights: what the quantiser lost must explain the difference.

import type { GpuContext } from '../../src/gpu/device';
import { openCheckpoint } from '../../src/model/checkpoint';
import { parseModelConfig } from '../../src/model/config';
import { memorySource, type TensorData, writeSafetensors } from '../../src/model/safetensors';
import type { ModelFiles } from '../../src/model/vision_language_model';
import { deviceRows, weightErrors } from '../../src/model/weight_error';
import { type WeightPrecision, weightGroups } from '../../src/model/weight_layout';
import { checkWeights } from '../../src/model/weight_names';
import { adapterRows } from './adapter';
import type { ComputedRow, Wanted } from './computed_row';
import { type Comparison, compare, type FixtureDir, type Values } from './fixture_dir';
import { modelRows } from './model';
import { fixtureFiles } from './prompt_run';
import { belongsToQlora, QLORA_STAGE, qloraRows } from './qlora';
import { trainRows } from './train';

/** What later stages give depends on ids that were chosen, or on the signs of gradients: small causes, large effects. */
const GOLDEN_STAGES: readonly string[] = ['vision', 'text', 'attention', 'logits', 'adapter'];

/** A row with what it was compared with. */
export interface QuantisedRow {
  readonly row: ComputedRow;
  readonly tensor: string;
  readonly result: Comparison;
}

/** A model folder whose checkpoint holds, as F32, the values that the weights of a precision stand for. */
export async function dequantisedFiles(files: ModelFiles, precision: WeightPrecision): Promise<ModelFiles> {
  const config = await configOf(files);
  const checkpoint = await openCheckpoint(files);
  const { sources } = checkWeights(config, checkpoint.tensors);
  const tensors: TensorData[] = [];
  for (const group of weightGroups(config, checkpoint.tensors, sources, precision)) {
    const width = group.shape[1] ?? 1;
    const values = await deviceRows(checkpoint, group, 0, group.shape[0]);
    let first = 0;
    for (const { source, rows } of group.parts) {
      const part = values.slice(first * width, (first + rows) * width);
      const shape = checkpoint.tensors.get(source)?.shape ?? [];
      tensors.push({ name: source, dtype: 'F32', shape, bytes: new Uint8Array(part.buffer) });
      first += rows;
    }
  }
  const whole = writeSafetensors(tensors);
  const name = `${files.name}, dequantised`;
  return {
    name,
    open: async (file) => {
      if (file === 'model.safetensors') return memorySource(file, whole);
      return file.startsWith('model.safetensors') ? null : files.open(file);
    },
  };
}

async function configOf(files: ModelFiles): Promise<ReturnType<typeof parseModelConfig>> {
  const source = await files.open('config.json');
  const bytes = source ? await source.read(0, source.size) : new Uint8Array();
  return parseModelConfig(JSON.parse(new TextDecoder().decode(bytes)));
}

/**
 * Largest relative difference from the golden, as a norm, that rounding explains, by stage. Every weight W adds noise of
 * ‖ΔW‖/‖W‖ to its product, and the noise of independent weights adds up in squares; norms and softmax may enlarge it: by
 * 2.9 at most in the vision towers of the tiny fixtures with int4, by 2.1 in their text, where noise is already large. Small
 * noise is enlarged more: with int8 by 7.3, in the attention of the tiny Qwen2.5-VL's last layer. Under adapters of random
 * factors, as strong as the weights, it is 7.2. An adapter left out or a wrong weight would be off by more than half.
 */
async function explained(files: ModelFiles, precision: WeightPrecision): Promise<(stage: string) => number> {
  let [vision, all] = [0, 0];
  const checkpoint = await openCheckpoint(files);
  for await (const { role, relative } of weightErrors(await configOf(files), checkpoint, precision)) {
    all += relative ** 2;
    if (role === 'vision') vision += relative ** 2;
  }
  return (stage) => {
    if (stage === 'adapter') return Math.min(8 * Math.sqrt(all), 0.5);
    if (stage === 'vision') return 4 * Math.sqrt(vision);
    return Math.max(2.5 * Math.sqrt(all), Math.min(8 * Math.sqrt(all), 0.25));
  };
}

function compareNorms(actual: Values, golden: Values, tolerance: number): Comparison {
  let [lost, size] = [0, 0];
  for (let i = 0; i < golden.length; i++) {
    const [a, g] = [Number(actual[i]), Number(golden[i])];
    lost += (a - g) ** 2;
    size += g ** 2;
  }
  const error = Math.sqrt(lost / (size || 1));
  return { error, tolerance, ok: actual.length === golden.length && error <= tolerance };
}

/** Rows of the GPU stages of the folder's model. */
export async function* quantisedRows(
  gpu: GpuContext,
  dir: FixtureDir,
  wanted: Wanted,
  precision: WeightPrecision,
): AsyncGenerator<QuantisedRow> {
  const stored = fixtureFiles(dir);
  const tolerance = await explained(stored, precision);
  const qlora = dir.ofStages([QLORA_STAGE], wanted).filter(({ name }) => name.startsWith(`${precision}.`));
  const computed: Wanted = (stage, name) =>
    wanted(stage, name) || (qlora.length > 0 && belongsToQlora(stage, name));
  const rowsOf = async (files: ModelFiles, kept: WeightPrecision): Promise<ComputedRow[]> => {
    const rows: ComputedRow[] = [];
    for await (const row of modelRows(gpu, dir, wanted, { files, precision: kept })) rows.push(row);
    if (dir.has('adapter/adapter_config.json'))
      for await (const row of trainRows(gpu, dir, computed, { files, precision: kept })) rows.push(row);
    for await (const row of adapterRows(gpu, dir, wanted, { files, precision: kept })) rows.push(row);
    return rows;
  };
  const dequantised = await dequantisedFiles(stored, precision);
  const exact = await rowsOf(dequantised, 'f32');
  const rows = await rowsOf(stored, precision);
  for (const [index, row] of rows.entries()) {
    if (!wanted(row.stage, row.tensor)) continue;
    const tol = dir.find(row.file, row.tensor)?.tol ?? 'exact';
    const other = exact[index];
    if (!other || typeof row.actual === 'string' || typeof other.actual === 'string') continue;
    const tensor = row.label ?? row.tensor;
    yield { row, tensor: `${tensor} by dequantised weights`, result: compare(row.actual, other.actual, tol) };
    if (!GOLDEN_STAGES.includes(row.stage) || !(row.actual instanceof Float32Array)) continue;
    const golden = await dir.read({ file: row.file, name: row.tensor });
    yield {
      row,
      tensor: `${tensor} by golden`,
      result: compareNorms(row.actual, golden, tolerance(row.stage)),
    };
  }
  yield* qloraRows(dir, qlora, rows, dequantised);
}
