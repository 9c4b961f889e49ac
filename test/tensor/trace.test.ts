// What a trace refuses to record, and what it drops. No GPU is asked for anything.

import { describe, expect, it } from 'vitest';
import type { DeviceTraits } from '../../src/gpu/device';
import type { KernelCall } from '../../src/gpu/kernel';
import { unsharedCache } from '../../src/kernels/cache_shape';
import { elementwise } from '../../src/kernels/elementwise';
import { kvAppend } from '../../src/kernels/kv_append';
import { backward } from '../../src/tensor/autodiff';
import { attention } from '../../src/tensor/ops/attention';
import { tokenLogps } from '../../src/tensor/ops/token_logp';
import { anyRequiresGrad, externalTensor, reshape, Trace, tensorBytes } from '../../src/tensor/trace';
import { shardRows, type Weight } from '../../src/tensor/weight';

const traits = {
  ...{ maxBindingBytes: 2 ** 20, maxStorageBuffers: 8, maxInvocations: 256, software: true },
  disabledVariants: new Set<string>(),
} as DeviceTraits;
const COPY: KernelCall = {
  kernel: {
    name: 'copy',
    source: '',
    entryPoint: 'copy',
    bindings: ['read', 'read_write'],
    hasParams: false,
  },
  operands: [
    { name: 'x', access: 'read', dtype: 'f32', count: 1, orMore: true },
    { name: 'y', access: 'read_write', dtype: 'f32', count: 1, orMore: true },
  ],
  params: undefined,
  grid: [1, 1, 1],
  flops: 0,
  bytes: 8,
};

/** Six queries and keys of one head, with `values` rows of values. */
function heads(trace: Trace, values: number) {
  return {
    q: trace.input('q', [6, 1, 4]),
    k: trace.input('k', [6, 1, 4]),
    v: trace.input('v', [values, 1, 4]),
  };
}

describe('Trace', () => {
  it('refuses shapes, names and operands that cannot be', () => {
    const trace = new Trace(traits);
    const x = trace.input('x', [2, 3]);
    expect(() => trace.input('x', [1])).toThrow(/input named x/);
    expect(() => trace.activation('t', [2, 0])).toThrow(/\[2, 0\]/);
    expect(() => trace.activation('t', [1.5])).toThrow(/1\.5/);
    expect(() => trace.emit(COPY, [x])).toThrow(/copy takes 2 operands, got 1/);
    expect(() => trace.emit(COPY, [x, x])).toThrow(/overwrite the input x/);
    trace.output('y', x);
    expect(() => trace.output('y', x)).toThrow(/output named y/);
    expect(trace.nodes).toEqual([]);
  });

  it.each<[string, (trace: Trace) => void, RegExp]>([
    [
      'a sum of different sizes',
      (trace) => {
        const [a, b] = [trace.input('a', [8]), trace.input('b', [4])];
        trace.emit(elementwise({ kind: 'add', count: 8 }, traits), [a, b, trace.activation('y', [8])]);
      },
      /elementwise\/add\S*: operand b is given b \[4\], 4 elements; it takes 8/,
    ],
    [
      'values shorter than keys',
      (trace) => attention(trace, heads(trace, 5), { ranges: trace.input('ranges', [6, 4], 'u32') }),
      /segment_attention\/\S*: operand v is given v \[5, 1, 4\], 20 elements; it takes 24/,
    ],
    [
      'ranges of another type',
      (trace) => attention(trace, heads(trace, 6), { ranges: trace.input('ranges', [6, 4]) }),
      /segment_attention\/\S*: operand ranges is given ranges \[6, 4\] of f32; it takes u32/,
    ],
    [
      'a cache slot that is too small',
      (trace) => {
        const [x, y] = [trace.input('k', [2, 1, 4]), trace.input('v', [2, 1, 4])];
        const call = kvAppend(
          { tokens: 2, kvHeads: 1, headSize: 4, cache: unsharedCache(1, 9, 'f32') },
          traits,
        );
        const cache = trace.activation('cache', [1, 1, 8, 4]);
        trace.emit(call, [x, y, trace.input('targets', [2, 2], 'u32'), cache, cache]);
      },
      /kv_append\/f32: operand kCache is given cache \[1, 1, 8, 4\], 32 elements; it takes 36/,
    ],
  ])('refuses %s', (_, build, message) => {
    const trace = new Trace(traits);
    expect(() => build(trace)).toThrow(
      expect.objectContaining({ code: 'tensor/shape', message: expect.stringMatching(message) }),
    );
    expect(trace.nodes).toEqual([]);
  });

  it('refuses a tensor that no binding of the device holds, with its name and the numbers', () => {
    const trace = new Trace(traits);
    const [x, large] = [trace.activation('x', [1]), trace.activation('kv.0.k', [8193, 32])];
    expect(() => trace.emit(COPY, [x, large])).toThrow(
      expect.objectContaining({
        code: 'gpu/limit',
        message: expect.stringMatching(/copy: operand y is given kv\.0\.k .* 1048704 bytes.* 1048576/),
      }),
    );
  });

  it('reads a vocabulary in shards that fit a binding, however few the rows are', () => {
    const trace = new Trace(traits);
    const [rows, width, vocab] = [2, 64, 20_000];
    const shards = shardRows('lm_head', 'bf16', [vocab, width], traits.maxBindingBytes).map((shard) => {
      const region = { buffer: {} as GPUBuffer, offset: 0, bytes: 2 * shard.rows * width };
      return { ...shard, planes: [externalTensor('lm_head', [shard.rows, width], 'bf16', region)] };
    });
    const shape = [vocab, width] as const;
    const weight: Weight = { name: 'lm_head', shape, format: 'bf16', shards, requiresGrad: false };
    const hidden = trace.input('hidden', [rows, width], 'f32', true);
    // All logits together fit the scratch; the matrix of 2.5 MB does not fit the binding of 1 MiB.
    const { logp } = tokenLogps(trace, hidden, weight, trace.input('labels', [rows], 'i32'));
    backward(trace, [[logp, trace.input('dlogp', [rows])]], [hidden]);
    const parts = trace.nodes.flatMap(({ operands }) => operands.filter(({ dtype }) => dtype === 'bf16'));
    expect(Math.max(...parts.map(tensorBytes))).toBeLessThanOrEqual(traits.maxBindingBytes);
    // Once forward, twice in the reverse: for the logits again, and for the gradient.
    expect(parts.reduce((sum, { shape }) => sum + shape[0]!, 0)).toBe(3 * vocab);
  });

  it('does not follow later changes of the lists it was given', () => {
    const trace = new Trace(traits);
    const shape = [4];
    const operands = [trace.input('x', shape), trace.activation('t', shape)];
    trace.emit(COPY, operands);
    shape[0] = 5;
    operands.pop();
    expect(trace.nodes[0]!.operands.map((tensor) => tensor.shape)).toEqual([[4], [4]]);
  });

  it('records only ops that a gradient can reach', () => {
    const trace = new Trace(traits);
    const frozen = trace.input('frozen', [1]);
    const trained = trace.input('trained', [1], 'f32', true);
    const record = { outputs: [], backward: () => undefined };
    trace.record({ name: 'a', inputs: [frozen], ...record });
    trace.record({ name: 'b', inputs: [frozen, trained], ...record });
    expect(trace.records.map(({ name }) => name)).toEqual(['b']);
    expect(anyRequiresGrad(undefined, frozen)).toBe(false);
    expect(anyRequiresGrad(frozen, trained)).toBe(true);
  });
});

describe('tensors', () => {
  it('count bytes by dtype', () => {
    const bytes = (['f32', 'u32', 'i32', 'bf16', 'f16'] as const).map((dtype) =>
      tensorBytes({ shape: [3, 5], dtype }),
    );
    expect(bytes).toEqual([60, 60, 60, 30, 30]);
  });

  it('must fit the memory they are said to lie in', () => {
    const region = { buffer: {} as GPUBuffer, offset: 256, bytes: 20 };
    expect(externalTensor('w', [5], 'f32', region).region).toBe(region);
    expect(() => externalTensor('w', [6], 'f32', region)).toThrow(/w needs 24 bytes.*20/);
  });

  it('keep identity under another shape of the same size, and no other', () => {
    const t = new Trace(traits).activation('t', [2, 6]);
    expect(reshape(t, [3, 4])).toMatchObject({ id: t.id, shape: [3, 4] });
    expect(() => reshape(t, [5])).toThrow(/\[2, 6\].*\[5\]/);
  });
});
