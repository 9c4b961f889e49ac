// Draws the weights of the text model that the peers bench gives to every library: one generator for all, so that each gets the
// same values in the layout that it likes best. Values are bf16's, whatever they are then kept as.

import { createPrng } from '../../src/lib/prng';
import { parseModelConfig } from '../../src/model/config';
import { memorySource, writeSafetensors } from '../../src/model/safetensors';
import type { ModelSpec } from '../../src/model/spec';
import type { ModelFiles } from '../../src/model/vision_language_model';
import { expectedShapes, LM_HEAD } from '../../src/model/weight_names';
import { RANDOM_CONFIG } from './decode';

/** A model's settings and a way to its weights. */
export interface PeerTextModel {
  readonly spec: ModelSpec;
  /** Parameters of the text model. */
  readonly parameters: number;
  /** Values of a weight by its canonical name, row-major as in a checkpoint; equal at every call. */
  values(name: string): Float32Array<ArrayBuffer>;
  /** The same as a model folder. */
  files(): ModelFiles;
}

/** The high halves of f32 values: the bytes of bf16. */
function halvesOf(values: Float32Array): Uint8Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return new Uint8Array(Uint16Array.from(words, (word) => word >>> 16).buffer);
}

/** Matrices are uniform with a standard deviation of 1/√width, biases ±0.1, norms 1 ± 0.1. */
function draw(name: string, shape: readonly number[], seed: number): Float32Array<ArrayBuffer> {
  const count = shape.reduce((a, b) => a * b, 1);
  const [rows = 1] = shape;
  const [centre, reach] =
    shape.length > 1 ? [0, Math.sqrt((3 * rows) / count)] : [name.endsWith('.bias') ? 0 : 1, 0.1];
  const { nextU32 } = createPrng(seed);
  const values = new Float32Array(count);
  for (let at = 0; at < count; at++) values[at] = centre + (nextU32() / 2 ** 31 - 1) * reach;
  const words = new Uint32Array(values.buffer);
  for (let at = 0; at < count; at++) words[at] = ((words[at] as number) & 0xffff0000) >>> 0;
  return values;
}

/** [n, k] as [k, n]. */
export function transposed(values: Float32Array, n: number, k: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(n * k);
  for (let row = 0; row < n; row++)
    for (let at = 0; at < k; at++) result[at * n + row] = values[row * k + at] as number;
  return result;
}

/** Matrices of one width below each other. */
export function concatenated(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * A decoder of the Qwen2 family with random weights: 768 wide, 12 heads over 4, 4,096 words; twelve layers are 101 M parameters.
 * The vision tower that its family asks for is small and unused.
 */
export function peerTextModel(layers: number): PeerTextModel {
  const config = { ...RANDOM_CONFIG, num_hidden_layers: layers };
  const spec = parseModelConfig(config);
  const shapes = new Map([...expectedShapes(spec)].filter(([name]) => name !== LM_HEAD));
  const seeds = new Map([...shapes.keys()].map((name, seed) => [name, seed]));
  const values = (name: string): Float32Array<ArrayBuffer> => {
    const shape = shapes.get(name);
    if (!shape) throw new Error(`The model has no weight ${name}.`);
    return draw(name, shape, 1 + (seeds.get(name) ?? 0));
  };
  const parameters = [...shapes]
    .filter(([name]) => name.startsWith(spec.text.prefix))
    .reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const files = (): ModelFiles => {
    const tensors = [...shapes].map(([name, shape]) => ({
      ...{ name, dtype: 'BF16' as const, shape },
      bytes: halvesOf(values(name)),
    }));
    const contents = new Map([
      ['config.json', new TextEncoder().encode(JSON.stringify(config))],
      ['model.safetensors', writeSafetensors(tensors)],
    ]);
    const open: ModelFiles['open'] = async (file) => {
      const bytes = contents.get(file);
      return bytes ? memorySource(file, bytes) : null;
    };
    return { name: 'peer-text-model', open };
  };
  return { spec, parameters, values, files };
}

/** Keys or values of a layer's cache, [kvHeads, positions, headSize] in ±1, each a whole number of 1/128: exact in f16. */
export function peerCache(
  spec: ModelSpec,
  layer: number,
  part: 'k' | 'v',
  positions: number,
): Float32Array<ArrayBuffer> {
  const { numKeyValueHeads, headDim } = spec.text;
  const prng = createPrng(2 * layer + (part === 'k' ? 0 : 1) + 1000);
  const next = (): number => (prng.nextInt(257) - 128) / 128;
  return Float32Array.from({ length: numKeyValueHeads * positions * headDim }, next);
}
