// Helps the kernel tests: seeded inputs, golden tensors, comparison with f64 truth, dirty outputs. A comparison never
// passes on NaN.

import { expect } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import type { KernelCall } from '../../src/gpu/kernel';
import { createPrng } from '../../src/lib/prng';
import { loadFixture, loadFixtureJson } from '../harness/fixture';
import { type Operand, runCall } from '../harness/run_call';

/** Normal deviates times `scale`, the same for the same seed. */
export function normals(length: number, seed: number, scale = 1): Float32Array {
  const prng = createPrng(seed);
  return Float32Array.from({ length }, () => prng.normal() * scale);
}

/** A copy with every `every`-th element replaced by ±1e4: activations of real checkpoints have such outliers. */
export function withOutliers(x: Float32Array, every = 41): Float32Array {
  return x.map((value, index) => (index % every === 7 ? (index % 2 ? 1e4 : -1e4) : value));
}

/** An output buffer full of junk: a kernel must overwrite all of it. */
export function dirty(length: number): Float32Array {
  return new Float32Array(length).fill(Number.NaN);
}

/** Largest |x - truth|, infinite if any element is not finite. */
export function maxError(x: ArrayLike<number>, truth: ArrayLike<number>): number {
  expect(x.length).toBe(truth.length);
  let worst = 0;
  for (let i = 0; i < x.length; i++) {
    const error = Math.abs(x[i]! - truth[i]!);
    if (!(error <= worst)) worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
  }
  return worst;
}

/** Asserts |x - truth| <= max(abs, rel * max|truth|) for every element. */
export function expectClose(
  x: ArrayLike<number>,
  truth: ArrayLike<number>,
  tolerance: { readonly abs?: number; readonly rel?: number },
  label = '',
): void {
  let size = 0;
  for (let i = 0; i < truth.length; i++) size = Math.max(size, Math.abs(truth[i]!));
  const allowed = Math.max(tolerance.abs ?? 0, (tolerance.rel ?? 0) * size);
  expect(maxError(x, truth), `${label} max error`).toBeLessThanOrEqual(allowed);
}

/** Runs a call twice and asserts that the second run, on other junk, gives the same bits; returns the first. */
export async function runTwice(
  gpu: GpuContext,
  call: KernelCall,
  operands: readonly Operand[],
): Promise<Operand[]> {
  const first = await runCall(gpu, call, operands);
  const second = await runCall(gpu, call, operands);
  first.forEach((operand, index) => {
    // A plain loop: the assertion library takes seconds to compare megabytes.
    const [a, b] = [bytes(operand), bytes(second[index]!)];
    const differs = a.findIndex((value, i) => value !== b[i]);
    expect(differs, `first byte of binding ${index} that differs on a second run`).toBe(-1);
  });
  return first;
}

function bytes(operand: Operand): Uint8Array {
  return new Uint8Array(operand.buffer, operand.byteOffset, operand.byteLength);
}

/** Central differences of a scalar function at x, in f64. */
export function finiteDifferences(
  f: (x: Float64Array) => number,
  x: ArrayLike<number>,
  step = 1e-5,
): Float64Array {
  const point = Float64Array.from(x);
  return point.map((value, index) => {
    point[index] = value + step;
    const up = f(point);
    point[index] = value - step;
    const down = f(point);
    point[index] = value;
    return (up - down) / (2 * step);
  });
}

/** Sum of products, in f64: the scalar whose gradient backward kernels compute. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

interface ManifestTensor {
  readonly tol: 'input' | 'exact' | { readonly abs?: number; readonly rel?: number };
}

interface GoldenHeader {
  readonly dtype: string;
  readonly shape: number[];
  readonly data_offsets: [number, number];
}

/** Golden tensors of one safetensors file with the tolerances of its manifest. */
export class Goldens {
  readonly names: readonly string[];
  readonly #headers: Record<string, GoldenHeader>;
  readonly #tensors: Record<string, ManifestTensor>;
  readonly #data: ArrayBuffer;

  constructor(
    headers: Record<string, GoldenHeader>,
    tensors: Record<string, ManifestTensor>,
    data: ArrayBuffer,
  ) {
    this.#headers = headers;
    this.#tensors = tensors;
    this.#data = data;
    this.names = Object.keys(headers);
  }

  /** Reads `<set>/<set>.safetensors` and its manifest below test/fixtures. */
  static async load(set: string): Promise<Goldens> {
    const bytes = await loadFixture(`${set}/${set}.safetensors`);
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const { __metadata__: _, ...headers } = JSON.parse(
      new TextDecoder().decode(bytes.subarray(8, 8 + length)),
    );
    const manifest = await loadFixtureJson<{
      files: Record<string, { tensors: Record<string, ManifestTensor> }>;
    }>(`${set}/manifest.json`);
    return new Goldens(
      headers,
      manifest.files[`${set}.safetensors`]!.tensors,
      bytes.buffer.slice(8 + length),
    );
  }

  shape(name: string): number[] {
    return this.#header(name).shape;
  }

  f32(name: string): Float32Array {
    return new Float32Array(this.#bytes(name, 'F32'));
  }

  i32(name: string): Int32Array {
    return new Int32Array(this.#bytes(name, 'I32'));
  }

  u8(name: string): Uint8Array {
    return new Uint8Array(this.#bytes(name, 'U8'));
  }

  /** Asserts that `x` matches the golden within the manifest's tolerance. */
  expectMatch(name: string, x: ArrayLike<number>): void {
    const tolerance = this.#tensors[name]?.tol;
    if (tolerance === undefined || tolerance === 'input')
      throw new Error(`${name} is not a tensor to compare`);
    const truth = this.#header(name).dtype === 'U8' ? this.u8(name) : this.f32(name);
    expectClose(x, truth, tolerance === 'exact' ? { abs: 0 } : tolerance, name);
  }

  /** Prefixes of the cases of one kind, e.g. `rmsnorm.5x96` for `cases('rmsnorm', 'y')`. */
  cases(kind: string, last: string): string[] {
    return this.names
      .filter((name) => name.startsWith(`${kind}.`) && name.endsWith(`.${last}`))
      .map((name) => name.slice(0, -last.length - 1));
  }

  #header(name: string): GoldenHeader {
    const header = this.#headers[name];
    if (!header) throw new Error(`no golden tensor ${name}`);
    return header;
  }

  #bytes(name: string, dtype: string): ArrayBuffer {
    const header = this.#header(name);
    if (header.dtype !== dtype) throw new Error(`golden ${name} is ${header.dtype}, not ${dtype}`);
    return this.#data.slice(...header.data_offsets);
  }
}
