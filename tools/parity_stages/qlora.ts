// Compares loss and gradients of a folder's adapter over rounded weights with those that transformers and PEFT gave over the
// same values (tools/goldens/qlora_set.py), and the values themselves by their hash.

import { createHash } from 'node:crypto';
import { itemAt } from '../../src/lib/invariant';
import { parseSafetensors, toFloat32 } from '../../src/model/safetensors';
import type { ModelFiles } from '../../src/model/vision_language_model';
import type { ComputedRow } from './computed_row';
import { type Comparison, compare, type FixtureDir, type TensorSpec } from './fixture_dir';

/** The stage of these goldens; it has values for rounded weights alone. */
export const QLORA_STAGE = 'qlora';
const FILE = 'qlora.safetensors';
/** Sums of a gradient beside its norm. */
const SUMS = 8;

/** One comparison, named by what it is of. */
export interface QloraRow {
  readonly row: ComputedRow;
  readonly tensor: string;
  readonly result: Comparison;
}

/** Bits of the mixer "lowbias32" of C. Wellons: bit k of an element's place is its sign in sum k. */
function signBits(place: number): number {
  let x = Math.imul(place, 0x9e3779b1);
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  return x ^ (x >>> 16);
}

/** Sums of all elements, each with signs of its own: those of a difference have its norm as their root mean square. */
export function signedSums(values: ArrayLike<number>): Float64Array {
  const sums = new Float64Array(SUMS);
  for (let i = 0; i < values.length; i++) {
    const bits = signBits(i);
    const value = itemAt(values, i);
    for (let k = 0; k < SUMS; k++) sums[k] = itemAt(sums, k) + ((bits >>> k) & 1 ? -value : value);
  }
  return sums;
}

/** How far a gradient is off, over the golden's norm. @param golden the norm, then the sums */
export function compareGradient(
  actual: ArrayLike<number>,
  golden: ArrayLike<number>,
  tolerance: number,
): Comparison {
  const sums = signedSums(actual);
  let squares = 0;
  for (let k = 0; k < SUMS; k++) squares += (itemAt(sums, k) - itemAt(golden, k + 1)) ** 2;
  const error = Math.sqrt(squares / SUMS) / itemAt(golden, 0);
  return { error, tolerance, ok: error <= tolerance };
}

/** SHA-256 of a checkpoint's tensors as f32, one after another in the order of their names. */
async function weightsHash(files: ModelFiles): Promise<Uint8Array> {
  const source = await files.open('model.safetensors');
  const bytes = source ? await source.read(0, source.size) : new Uint8Array();
  const checkpoint = await parseSafetensors(files.name, bytes);
  const hash = createHash('sha256');
  for (const name of [...checkpoint.tensors.keys()].sort()) {
    const dtype = checkpoint.tensors.get(name)?.dtype ?? 'F32';
    const values = toFloat32(dtype, (await checkpoint.read(name)) as Uint8Array<ArrayBuffer>);
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return new Uint8Array(hash.digest());
}

const isGradient = (name: string): boolean => /\.d[AB]$/.test(name);

/** Whether the rows of the stage `lora` hold what these goldens are compared with. */
export function belongsToQlora(stage: string, name: string): boolean {
  return stage === 'lora' && (name === 'loss' || isGradient(name));
}

/**
 * Rows of the stage `qlora`.
 * @param specs     of this stage and precision
 * @param lora      rows of the stage `lora` over the rounded weights
 * @param exact     the same weights as a checkpoint in f32
 */
export async function* qloraRows(
  dir: FixtureDir,
  specs: readonly TensorSpec[],
  lora: readonly ComputedRow[],
  exact: ModelFiles,
): AsyncGenerator<QloraRow> {
  const valuesOf = (name: string): Float32Array => {
    const found = lora.find(({ stage, tensor }) => stage === 'lora' && tensor === name)?.actual;
    return found instanceof Float32Array ? found : new Float32Array(0);
  };
  for (const spec of specs) {
    const golden = await dir.read(spec);
    const { stage, name, shape, tol } = spec;
    const row = { stage, file: FILE, tensor: name, shape };
    const kind = name.slice(name.indexOf('.') + 1);
    if (kind !== 'gradients') {
      const actual = kind === 'loss' ? valuesOf('loss') : await weightsHash(exact);
      yield { row: { ...row, actual }, tensor: name, result: compare(actual, golden, tol) };
      continue;
    }
    const names = dir.tensors.flatMap((each) =>
      belongsToQlora(each.stage, each.name) && isGradient(each.name) ? [each.name] : [],
    );
    const tolerance = typeof tol === 'object' ? (tol.rel ?? 0) : 0;
    for (const [index, gradient] of names.sort().entries()) {
      const wanted = (golden as Float32Array).subarray(index * (1 + SUMS), (index + 1) * (1 + SUMS));
      const actual = valuesOf(gradient);
      const result = compareGradient(actual, wanted, tolerance);
      yield { row: { ...row, actual }, tensor: `${gradient} by PyTorch`, result };
    }
  }
}
