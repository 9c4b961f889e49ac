// Reads a folder of golden tensors on disk: its manifest, the tensors it lists and their values, and compares by the
// manifest's tolerances. Nothing is known beforehand about names, shapes or counts; all of it is read from the
// manifest.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../../src/lib/errors';
import { formatShape } from '../../src/lib/format';
import { type Dtype, parseSafetensors, type SafetensorsFile } from '../../src/model/safetensors';
import type { Wanted } from './computed_row';

/** How close a value must come: given, bit equal, or within the larger of abs and rel · max|golden|. */
export type Tolerance =
  | 'input'
  | 'exact'
  | { readonly abs?: number; readonly rel?: number; readonly outliers?: number };

/** One tensor as the manifest describes it. */
export interface TensorSpec {
  /** Path of the safetensors file inside the folder. */
  readonly file: string;
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  /** Empty for files that are not goldens (weights, adapters). */
  readonly stage: string;
  readonly tol: Tolerance;
  /** What the manifest says of it in words. */
  readonly note: string;
}

/** Values of a tensor; 16-bit floats stay bit patterns so that they can be compared exactly. */
export type Values =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** Result of one comparison; `error` is Infinity where the values cannot be compared at all. */
export interface Comparison {
  readonly error: number;
  readonly tolerance: number;
  readonly ok: boolean;
  /** Why not, when sizes differ or values are missing. */
  readonly reason?: string;
}

interface ManifestTensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly stage?: string;
  readonly tol?: Tolerance;
  readonly note?: string;
}

interface Manifest {
  readonly fixture: string;
  readonly files: Readonly<Record<string, { readonly tensors?: Readonly<Record<string, ManifestTensor>> }>>;
}

const VIEWS: Readonly<Record<Dtype, (buffer: ArrayBuffer) => Values>> = {
  BOOL: (buffer) => new Uint8Array(buffer),
  U8: (buffer) => new Uint8Array(buffer),
  I8: (buffer) => new Int8Array(buffer),
  U16: (buffer) => new Uint16Array(buffer),
  I16: (buffer) => new Int16Array(buffer),
  F16: (buffer) => new Uint16Array(buffer),
  BF16: (buffer) => new Uint16Array(buffer),
  U32: (buffer) => new Uint32Array(buffer),
  I32: (buffer) => new Int32Array(buffer),
  F32: (buffer) => new Float32Array(buffer),
  U64: (buffer) => new BigUint64Array(buffer),
  I64: (buffer) => new BigInt64Array(buffer),
  F64: (buffer) => new Float64Array(buffer),
};

/** A folder with a manifest.json. Construct with openFixtureDir. */
export class FixtureDir {
  readonly path: string;
  /** The fixture's own name, e.g. `ops`. */
  readonly name: string;
  /** Every golden and input tensor of every file, in the manifest's order. */
  readonly tensors: readonly TensorSpec[];
  private readonly files: readonly string[];
  private readonly open = new Map<string, Promise<SafetensorsFile>>();

  constructor(path: string, manifest: Manifest) {
    this.path = path;
    this.name = manifest.fixture;
    this.files = Object.keys(manifest.files);
    this.tensors = Object.entries(manifest.files).flatMap(([file, { tensors = {} }]) =>
      Object.entries(tensors).map(([name, tensor]) => ({
        file,
        name,
        shape: tensor.shape,
        dtype: tensor.dtype,
        stage: tensor.stage ?? '',
        tol: tensor.tol ?? 'input',
        note: tensor.note ?? '',
      })),
    );
  }

  /** Whether the folder holds a file of this name. */
  has(file: string): boolean {
    return existsSync(join(this.path, file));
  }

  /** Names of the model folders below `variants/` that the manifest lists. */
  variants(): string[] {
    return this.files.flatMap((file) => /^variants\/([^/]+)\/config\.json$/.exec(file)?.[1] ?? []);
  }

  /** Bytes of a file of the folder. */
  bytes(file: string): Uint8Array {
    return new Uint8Array(readFileSync(join(this.path, file)));
  }

  /** A JSON file of the folder. */
  json(file: string): unknown {
    return JSON.parse(readFileSync(join(this.path, file), 'utf8'));
  }

  /** An open safetensors file of the folder; each is read once. */
  safetensors(file: string): Promise<SafetensorsFile> {
    let opened = this.open.get(file);
    if (opened === undefined) {
      opened = parseSafetensors(`${this.name}/${file}`, this.bytes(file));
      this.open.set(file, opened);
    }
    return opened;
  }

  /** The manifest's entry for a tensor of a file, if there is one. */
  find(file: string, name: string): TensorSpec | undefined {
    return this.tensors.find((spec) => spec.file === file && spec.name === name);
  }

  /** Tensors that an engine has to reproduce: everything with a tolerance other than 'input'. */
  toCompare(): TensorSpec[] {
    return this.tensors.filter((spec) => spec.tol !== 'input');
  }

  /** Of these, the wanted ones of some stages. */
  ofStages(stages: readonly string[], wanted: Wanted): TensorSpec[] {
    return this.toCompare().filter(({ stage, name }) => stages.includes(stage) && wanted(stage, name));
  }

  /** Values of a tensor. Rejects when the file disagrees with the manifest about its shape or dtype. */
  async read(spec: Pick<TensorSpec, 'file' | 'name'>): Promise<Values> {
    const file = await this.safetensors(spec.file);
    const entry = file.tensors.get(spec.name);
    const promised = this.find(spec.file, spec.name);
    if (entry === undefined) throw new DataError('data/fixture', `${file.name}: no tensor ${spec.name}`);
    if (promised && (promised.dtype !== entry.dtype || promised.shape.join() !== entry.shape.join())) {
      const found = `${entry.dtype} ${formatShape(entry.shape)}`;
      throw new DataError('data/fixture', `${file.name}: ${spec.name} is ${found}, unlike the manifest`);
    }
    return VIEWS[entry.dtype]((await file.read(spec.name)).buffer);
  }
}

/** Opens a fixture folder. Throws DataError `data/fixture` when there is no readable manifest. */
export function openFixtureDir(path: string): FixtureDir {
  let manifest: Manifest;
  try {
    manifest = JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8')) as Manifest;
  } catch (error) {
    throw new DataError('data/fixture', `${path}: no readable manifest.json`, { path }, error);
  }
  if (typeof manifest.files !== 'object' || manifest.files === null || typeof manifest.fixture !== 'string') {
    throw new DataError('data/fixture', `${path}: manifest.json does not describe one fixture`, { path });
  }
  return new FixtureDir(path, manifest);
}

function rawBytes(values: Values): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function difference(actual: number | bigint, golden: number | bigint): number {
  if (typeof actual === 'bigint' || typeof golden === 'bigint') {
    return BigInt(actual) === BigInt(golden) ? 0 : Math.abs(Number(actual) - Number(golden)) || 1;
  }
  if (Object.is(actual, golden) || actual === golden) return 0;
  const distance = Math.abs(actual - golden);
  return Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance;
}

function compareExact(actual: Values, golden: Values): Comparison {
  let error = 0;
  for (let i = 0; i < golden.length; i++) {
    error = Math.max(error, difference(actual[i] as number | bigint, golden[i] as number | bigint));
  }
  const [a, g] = [rawBytes(actual), rawBytes(golden)];
  const equal = a.length === g.length && a.every((byte, i) => byte === g[i]);
  // Equal values with other bits (-0, another NaN) are still not bit equal.
  if (!equal && error === 0)
    return { error: 0, tolerance: 0, ok: false, reason: 'values equal, bits differ' };
  return { error, tolerance: 0, ok: equal };
}

/**
 * Compares as the manifests define it: 'exact' bit by bit; otherwise |x - g| within the larger of abs and
 * rel · max|g|, except for up to ceil(outliers · size) elements. `error` is the largest difference that counts
 * (outliers aside); a NaN where the golden has none counts as infinite.
 */
export function compare(actual: Values, golden: Values, tol: Tolerance): Comparison {
  const never = { error: Number.POSITIVE_INFINITY, tolerance: 0, ok: false };
  if (tol === 'input') return { ...never, reason: 'is an input, not to be compared' };
  if (actual.length !== golden.length) {
    return { ...never, reason: `has ${actual.length} values, expected ${golden.length}` };
  }
  if (tol === 'exact') return compareExact(actual, golden);
  let peak = 0;
  const errors = new Float64Array(golden.length);
  for (let i = 0; i < golden.length; i++) {
    const g = golden[i] as number | bigint;
    const magnitude = Math.abs(Number(g));
    if (magnitude > peak && magnitude < Number.POSITIVE_INFINITY) peak = magnitude;
    errors[i] = difference(actual[i] as number | bigint, g);
  }
  const tolerance = Math.max(tol.abs ?? 0, (tol.rel ?? 0) * peak);
  const allowed = Math.ceil((tol.outliers ?? 0) * golden.length);
  errors.sort();
  const error = errors[errors.length - 1 - allowed] ?? 0;
  return { error, tolerance, ok: error <= tolerance };
}
