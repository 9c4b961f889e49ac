// Programs against plain arithmetic: planning never overlaps live tensors, replay repeats bit for bit and creates nothing.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { creations } from '../../src/gpu/counters';
import type { GpuContext } from '../../src/gpu/device';
import { elementwise } from '../../src/kernels/elementwise';
import { Program, runOnce } from '../../src/tensor/program';
import { type Tensor, Trace } from '../../src/tensor/trace';
import { testGpu } from '../harness/gpu';

let gpu: GpuContext;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.fence());

function emit(trace: Trace, kind: 'add' | 'multiply', a: Tensor, b: Tensor): Tensor {
  const out = trace.activation(kind, a.shape);
  trace.emit(elementwise({ kind, count: a.shape[0]! }, trace.traits), [a, b, out]);
  return out;
}

/** x → ((x+x)·x + x)·x … ; every step needs the two before it, so arenas are reused all the time. */
function chain(trace: Trace, steps: number, count: number): Tensor {
  const x = trace.input('x', [count]);
  let [a, b] = [x, emit(trace, 'add', x, x)];
  for (let step = 0; step < steps; step++) [a, b] = [b, emit(trace, step % 2 ? 'add' : 'multiply', a, b)];
  return b;
}

function chainReference(x: number, steps: number): number {
  let [a, b] = [x, Math.fround(x + x)];
  for (let step = 0; step < steps; step++) [a, b] = [b, Math.fround(step % 2 ? a + b : a * b)];
  return b;
}

describe('Program', () => {
  it.each([1, 63, 1031])('computes a chain of %i elements in reused arenas', async (count) => {
    const trace = new Trace(gpu.traits);
    trace.output('y', chain(trace, 9, count));
    const x = Float32Array.from({ length: count }, (_, i) => 0.9 + ((i * 7) % 11) / 50);
    const { y } = await runOnce(gpu, trace, { x });
    // Single f32 operations in the same order: exact.
    expect([...y!]).toEqual([...x].map((value) => chainReference(value, 9)));
  });

  it('plans a long chain into a few tensors of memory', async () => {
    const trace = new Trace(gpu.traits);
    trace.output('y', chain(trace, 40, 4096));
    const program = await Program.build(gpu, trace, 'chain');
    expect(program.stats.unplannedBytes).toBe(41 * 4096 * 4);
    expect(program.stats.plannedBytes).toBeLessThanOrEqual(6 * 4096 * 4);
    program.destroy();
  });

  it('drops nodes that nothing needs', async () => {
    const trace = new Trace(gpu.traits);
    const x = trace.input('x', [5]);
    const y = emit(trace, 'add', x, x);
    emit(trace, 'multiply', y, y);
    trace.output('y', y);
    const program = await Program.build(gpu, trace, 'dead');
    expect(program.stats).toMatchObject({ nodes: 1, droppedNodes: 1 });
    program.destroy();
  });

  it('replays with new inputs and creates no GPU object', async () => {
    const trace = new Trace(gpu.traits);
    trace.output('y', chain(trace, 5, 100));
    const program = await Program.build(gpu, trace, 'replay');
    const x = new Float32Array(100).fill(1.25);
    program.write('x', x);
    await program.run();
    const first = await program.read('y');
    program.write('x', new Float32Array(100).fill(-3));
    await program.run();
    program.write('x', x);
    const before = creations(gpu.counters);
    for (let run = 0; run < 3; run++) await program.run();
    expect(creations(gpu.counters)).toBe(before);
    expect([...(await program.read('y'))]).toEqual([...first]);
    program.destroy();
  });

  it('returns the memory it took', async () => {
    const before = gpu.counters.bufferBytes;
    const trace = new Trace(gpu.traits);
    trace.output('y', chain(trace, 5, 100));
    const program = await Program.build(gpu, trace, 'freed');
    expect(gpu.counters.bufferBytes).toBeGreaterThan(before);
    program.destroy();
    expect(gpu.counters.bufferBytes).toBe(before);
  });

  it('refuses to overwrite an input, unknown names and too much data', async () => {
    const trace = new Trace(gpu.traits);
    const x = trace.input('x', [4]);
    expect(() => trace.emit(elementwise({ kind: 'fill', count: 4 }, trace.traits), [x])).toThrow(
      /overwrite the input x/,
    );
    trace.output('y', emit(trace, 'add', x, x));
    const program = await Program.build(gpu, trace, 'strict');
    expect(() => program.write('z', new Float32Array(1))).toThrow(/no input z/);
    expect(() => program.write('x', new Float32Array(3), 2)).toThrow(/do not fit/);
    await expect(program.read('z')).rejects.toThrow(/no output z/);
    program.destroy();
  });

  it('profiles every dispatch where timestamps exist', async ({ skip }) => {
    if (!gpu.traits.timestampQuery) return skip();
    const trace = new Trace(gpu.traits);
    trace.output('y', chain(trace, 3, 100));
    const program = await Program.build(gpu, trace, 'profile');
    program.write('x', new Float32Array(100));
    const times = await program.profile();
    expect(times).toHaveLength(program.dispatches);
    expect(times.every(({ nanoseconds }) => nanoseconds >= 0)).toBe(true);
    program.destroy();
  });
});
