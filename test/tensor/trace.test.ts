// What a trace refuses to record, and what it drops. No GPU is asked for anything.
import { describe, expect, it } from 'vitest';
import type { DeviceTraits } from '../../src/gpu/device';
import type { KernelCall } from '../../src/gpu/kernel';
import { anyRequiresGrad, externalTensor, reshape, Trace, tensorBytes } from '../../src/tensor/trace';

const traits = {} as DeviceTraits;
const COPY: KernelCall = {
  kernel: {
    name: 'copy',
    source: '',
    entryPoint: 'copy',
    bindings: ['read', 'read_write'],
    hasParams: false,
  },
  params: undefined,
  grid: [1, 1, 1],
  flops: 0,
  bytes: 8,
};

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
