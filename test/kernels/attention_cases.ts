// Makes operands, goldens and comparisons that the attention tests share, from seeded random numbers.

import { expect } from 'vitest';
import { loadFixture, loadFixtureJson } from '../harness/fixture';
import type { Operand } from '../harness/run_call';

/** Small counter-free generator (mulberry32): uniform in [0, 1). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Roughly normal values (sum of four uniforms), as f32. */
export function gaussian(count: number, seed: number, scale = 1): Float32Array<ArrayBuffer> {
  const next = random(seed);
  return Float32Array.from({ length: count }, () => (next() + next() + next() + next() - 2) * 1.7 * scale);
}

/** Row ranges of one causal sequence. */
export function causalRanges(tokens: number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from({ length: tokens * 4 }, (_, i) => (i % 4 === 3 ? (i >> 2) + 1 : 0));
}

/** A packed batch: a prefix, completions that see it, a window attended in both directions, and padding rows. */
export function packedRanges(): { ranges: Uint32Array<ArrayBuffer>; tokens: number } {
  const rows: number[][] = [];
  for (let i = 0; i < 11; i++) rows.push([0, 0, 0, i + 1]);
  for (let i = 0; i < 7; i++) rows.push([0, 11, 11, 11 + i + 1]);
  for (let i = 0; i < 3; i++) rows.push([0, 11, 18, 18 + i + 1]);
  for (let i = 0; i < 9; i++) rows.push([0, 0, 21, 30]);
  for (let i = 0; i < 5; i++) rows.push([0, 0, 0, 0]);
  return { ranges: Uint32Array.from(rows.flat()), tokens: rows.length };
}

/** Key classes with two images whose map places interleave, text between, and a generated tail. */
export function imageClasses(keys: number): { classes: Uint32Array<ArrayBuffer>; mapSize: number } {
  let place = 0;
  const classes = Uint32Array.from({ length: keys }, (_, key) => {
    const at = key / keys;
    if (at < 0.1) return 0;
    if (at < 0.35 || (at > 0.45 && at < 0.6)) return 1 | (place++ << 8);
    if (at < 0.45) return key % 2 ? 2 : 3;
    return at < 0.8 ? 3 : 4;
  });
  return { classes, mapSize: place + 2 };
}

/** Largest |x - truth|, allowing max(abs, rel · max|truth|): the manifest's rule. */
export function expectClose(
  x: Operand,
  truth: ArrayLike<number>,
  label: string,
  abs = 1e-6,
  rel = 1e-5,
): void {
  expect(x.length, `${label}: elements`).toBe(truth.length);
  let largest = 0;
  let worst = 0;
  let where = -1;
  for (let i = 0; i < truth.length; i++) {
    largest = Math.max(largest, Math.abs(truth[i]!));
    const error = Math.abs(x[i]! - truth[i]!);
    if (!(error <= worst)) {
      worst = error;
      where = i;
    }
  }
  const limit = Math.max(abs, rel * largest);
  expect(
    worst <= limit,
    `${label}: |${x[where]} - ${truth[where]}| = ${worst} at ${where}, allowed ${limit}`,
  ).toBe(true);
}

/** f32 arrays with dirty contents, to show that a kernel writes everything it owns. */
export function dirty(count: number, fill = 7.5): Float32Array<ArrayBuffer> {
  return new Float32Array(count).fill(fill);
}

interface Manifest {
  readonly files: Readonly<
    Record<
      string,
      { readonly tensors: Readonly<Record<string, { readonly shape: number[]; readonly tol: unknown }>> }
    >
  >;
}

/** One golden tensor of the `ops` fixture. */
export interface Golden {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array;
  readonly abs: number;
  readonly rel: number;
}

/** Goldens of the `ops` fixture whose names start with `prefix`, by the rest of the name. */
export async function loadGoldens(prefix: string): Promise<Map<string, Golden>> {
  const manifest = await loadFixtureJson<Manifest>('ops/manifest.json');
  const bytes = await loadFixture('ops/ops.safetensors');
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const goldens = new Map<string, Golden>();
  for (const [name, entry] of Object.entries(manifest.files['ops.safetensors']!.tensors)) {
    const found = header[name];
    if (!name.startsWith(prefix) || !found) continue;
    const data = bytes.slice(8 + length + found.data_offsets[0], 8 + length + found.data_offsets[1]).buffer;
    const tol =
      typeof entry.tol === 'object' && entry.tol !== null
        ? (entry.tol as { abs?: number; rel?: number })
        : {};
    goldens.set(name.slice(prefix.length), {
      shape: entry.shape,
      values: found.dtype === 'I32' ? new Int32Array(data) : new Float32Array(data),
      abs: tol.abs ?? 0,
      rel: tol.rel ?? 0,
    });
  }
  return goldens;
}
