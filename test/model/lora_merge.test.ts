// Merging on the host: values in every stored dtype against f64, what stays untouched, and what is refused.
import { describe, expect, it } from 'vitest';
import { bf16ToF32, f32ToBf16, f32ToF16 } from '../../src/lib/float_bits';
import { type CheckpointFiles, openCheckpoint } from '../../src/model/checkpoint';
import { STORED_PREFIXES } from '../../src/model/families/qwen_reading';
import type { LoraWeights } from '../../src/model/lora';
import { mergeLora } from '../../src/model/lora_merge';
import { type Dtype, memorySource, toFloat32, writeSafetensors } from '../../src/model/safetensors';
import { noise } from '../harness/check_op';

const [OUT, IN, R] = [5, 7, 3];
const MODULE = 'model.language_model.layers.0.mlp.down_proj';
const CONFIG = { r: R, loraAlpha: 6, useRslora: false, baseModel: '', targetModules: [] };
const BASE = noise(OUT * IN, 1);
const WEIGHTS: LoraWeights = { module: MODULE, a: noise(R * IN, 2), b: noise(OUT * R, 3) };

function bytesIn(dtype: Dtype, values: Float32Array): Uint8Array {
  const bits = dtype === 'BF16' ? f32ToBf16(values) : dtype === 'F16' ? f32ToF16(values) : values;
  return new Uint8Array(bits.buffer);
}

/** A checkpoint of the adapted matrix, under either style of names, and a norm that must stay. */
function checkpoint(dtype: Dtype, { prefix = 'model.language_model.', shape = [OUT, IN], base = BASE } = {}) {
  const file = writeSafetensors([
    { name: `${prefix}layers.0.mlp.down_proj.weight`, dtype, shape, bytes: bytesIn(dtype, base) },
    { name: `${prefix}norm.weight`, dtype, shape: [1], bytes: bytesIn(dtype, Float32Array.of(1)) },
  ]);
  const files: CheckpointFiles = {
    open: async (name) => (name === 'model.safetensors' ? memorySource(name, file) : null),
  };
  return openCheckpoint(files);
}

const MODEL = { storedPrefixes: STORED_PREFIXES };

async function merge(dtype: Dtype, strength?: number, options = {}, weights = [WEIGHTS]) {
  const merged = [];
  for await (const tensor of mergeLora(
    await checkpoint(dtype, options),
    MODEL,
    { config: CONFIG, weights },
    strength,
  ))
    merged.push(tensor);
  return merged;
}

/** W + scale · B A in f64. */
function truth(base: Float32Array, scale: number): Float64Array {
  return Float64Array.from(base, (w, i) => {
    const [row, column] = [Math.floor(i / IN), i % IN];
    let sum = 0;
    for (let k = 0; k < R; k++) sum += WEIGHTS.b[row * R + k]! * WEIGHTS.a[k * IN + column]!;
    return w + scale * sum;
  });
}

describe('mergeLora', () => {
  it.each([
    ['F32', 2 ** -24],
    ['BF16', 2 ** -8],
    ['F16', 2 ** -11],
  ] as const)('rounds to nearest in %s', async (dtype, half) => {
    const base = toFloat32(dtype, new Uint8Array(bytesIn(dtype, BASE)));
    const [only, ...others] = await merge(dtype);
    expect(others).toEqual([]);
    expect(only).toMatchObject({ name: `${MODULE}.weight`, file: 'model.safetensors', entry: { dtype } });
    const exact = truth(base, 2);
    toFloat32(dtype, only!.bytes).forEach((value, i) => {
      // Half of the last place, relative to the power of two below; a hair more for rounding to f32 in between.
      expect(Math.abs(value - exact[i]!), `${i}`).toBeLessThanOrEqual(
        half * 1.001 * Math.abs(exact[i]!) + 1e-8,
      );
    });
  });

  it('loses updates below half of the last place of bf16, as documented', async () => {
    const ones = new Float32Array(OUT * IN).fill(1);
    const tiny = {
      ...WEIGHTS,
      a: new Float32Array(R * IN).fill(1),
      b: new Float32Array(OUT * R).fill(2 ** -12),
    };
    // scale 2, three ranks: 6 · 2^-12 is below 2^-9, half of the place below 1 … and 2^-8 above it.
    const [merged] = await merge('BF16', 1, { base: ones }, [tiny]);
    expect(new Set(bf16ToF32(new Uint16Array(merged!.bytes.buffer)))).toEqual(new Set([1]));
    const [wide] = await merge('F32', 1, { base: ones }, [tiny]);
    expect(new Set(new Float32Array(wide!.bytes.buffer))).toEqual(new Set([1 + 6 * 2 ** -12]));
  });

  it('scales by the strength, and finds weights under older names', async () => {
    const [off] = await merge('F32', 0);
    expect(new Float32Array(off!.bytes.buffer)).toEqual(BASE);
    const [half] = await merge('F32', 0.5, { prefix: 'model.' });
    expect(half!.name).toBe('model.layers.0.mlp.down_proj.weight');
    expect(new Float32Array(half!.bytes.buffer)).toEqual(Float32Array.from(truth(BASE, 1)));
  });

  it('refuses what does not fit before it yields anything', async () => {
    const missing = { ...WEIGHTS, module: MODULE.replace('layers.0', 'layers.1') };
    await expect(merge('F32', 1, {}, [WEIGHTS, missing])).rejects.toThrow(/no weight of .*layers\.1/);
    await expect(merge('F32', 1, { shape: [IN, OUT] })).rejects.toThrow(/is \[7, 5\]/);
    await expect(merge('F16', 1e6)).rejects.toThrow(/F16 cannot hold/);
  });
});
