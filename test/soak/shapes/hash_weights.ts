// Makes the weights of a model from a counter hash, as tools/goldens/hash_weights.py does: a checkpoint in true sizes
// that no file holds. Value (row, column) of a matrix is q · 2^-k: q from the hash of its position, k from the width of the
// row. One value in every 32 of a row has the largest q, so that rounding to int8 or int4 loses nothing.

import type { ByteSource } from '../../../src/model/safetensors';
import type { ModelFiles } from '../../../src/model/vision_language_model';

const GROUP = 32;

/** FNV-1a of a tensor's canonical name. */
function nameSeed(name: string): number {
  let state = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) state = Math.imul(state ^ byte, 0x01000193) >>> 0;
  return state;
}

/** The 32-bit mixer "lowbias32" of C. Wellons. */
function mix(counter: number): number {
  let x = counter;
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Largest q, and the standard deviation times √columns, of the matrices whose names begin with a prefix or hold a word. */
export interface MatrixRule {
  limit(name: string): number;
  gain(name: string): number;
}

interface PlacedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** Bits of a value that bf16 holds exactly. */
function bf16(value: number): number {
  float[0] = value;
  return (bits[0] as number) >>> 16;
}

function fillMatrix(out: Uint16Array, first: number, name: string, columns: number, rule: MatrixRule): void {
  const limit = rule.limit(name);
  const span = 2 * limit + 1;
  const spread = Math.sqrt((span * span - 1) / 12);
  const scale = 2 ** Math.round(Math.log2(rule.gain(name) / (Math.sqrt(columns) * spread)));
  const values = Uint16Array.from({ length: span }, (_, q) => bf16((q - limit) * scale));
  const seed = nameSeed(name);
  for (let i = 0; i < out.length; i++) {
    const hash = mix((Math.imul(first + i, 0x9e3779b1) + seed) | 0);
    const forced = ((first + i) % columns) % GROUP === 0;
    const q = forced ? (hash & 1 ? 2 * limit : 0) : hash % span;
    out[i] = values[q] as number;
  }
}

function fillVector(out: Uint16Array, first: number, name: string): void {
  const seed = nameSeed(name);
  const bias = name.endsWith('.bias');
  for (let i = 0; i < out.length; i++) {
    const q = (mix((Math.imul(first + i, 0x9e3779b1) + seed) | 0) % 63) - 31;
    out[i] = bf16(bias ? q / 512 : 1 + q / 128);
  }
}

/** model.safetensors with BF16 tensors whose bytes are made when they are read. */
function hashedCheckpoint(shapes: ReadonlyMap<string, readonly number[]>, rule: MatrixRule): ByteSource {
  const header: Record<string, { dtype: string; shape: readonly number[]; data_offsets: [number, number] }> =
    {};
  const tensors: PlacedTensor[] = [];
  let end = 0;
  for (const [name, shape] of shapes) {
    const begin = end;
    end += 2 * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: 'BF16', shape, data_offsets: [begin, end] };
    tensors.push({ name, shape, begin, end });
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const head = new Uint8Array(8 + json.length);
  new DataView(head.buffer).setBigUint64(0, BigInt(json.length), true);
  head.set(json, 8);
  const fill = (tensor: PlacedTensor, begin: number, count: number): Uint8Array => {
    const values = new Uint16Array(count);
    const columns = tensor.shape.slice(1).reduce((a, b) => a * b, 1);
    if (tensor.shape.length === 1) fillVector(values, begin, tensor.name);
    else fillMatrix(values, begin, tensor.name, columns, rule);
    return new Uint8Array(values.buffer);
  };
  return {
    name: 'model.safetensors',
    size: head.length + end,
    read: async (from, to) => {
      if (to <= head.length) return head.subarray(from, to);
      const [begin, last] = [from - head.length, to - head.length];
      const tensor = tensors.find((each) => begin >= each.begin && last <= each.end);
      if (!tensor || begin % 2 !== 0 || last % 2 !== 0)
        throw new RangeError(`Bytes ${from} to ${to} are not whole values of one tensor.`);
      return fill(tensor, (begin - tensor.begin) / 2, (last - begin) / 2);
    },
  };
}

/** A model folder of a config and of made weights. */
export function hashedFiles(
  name: string,
  config: unknown,
  shapes: ReadonlyMap<string, readonly number[]>,
  rule: MatrixRule,
): ModelFiles {
  const bytes = new TextEncoder().encode(JSON.stringify(config));
  const checkpoint = hashedCheckpoint(shapes, rule);
  return {
    name,
    open: async (file) => {
      if (file === 'model.safetensors') return checkpoint;
      if (file !== 'config.json') return null;
      return { name: file, size: bytes.length, read: async (begin, end) => bytes.subarray(begin, end) };
    },
  };
}
