// Programs that share the arenas of a pool: results stay right while arenas grow, shrink and are replaced, memory is that of
// the largest program, and a program that would overwrite another in the middle of its run is refused.

import { afterEach, describe, expect, it } from 'vitest';
import { elementwise } from '../../src/kernels/elementwise';
import { ArenaPool } from '../../src/tensor/arena_pool';
import { Program } from '../../src/tensor/program';
import { Trace } from '../../src/tensor/trace';
import { type FailingGpu, failingGpu } from '../harness/failing_gpu';
import { testGpu } from '../harness/gpu';

const made: Program[] = [];
afterEach(() => {
  for (const program of made.splice(0)) program.destroy();
});

/** A device whose pool is used by nobody else. */
async function ownDevice(): Promise<FailingGpu> {
  return failingGpu(await testGpu());
}

/** y = (x + x) · (x + x), whose sum and product are activations. */
async function square({ gpu }: FailingGpu, count: number): Promise<Program> {
  const trace = new Trace(gpu.traits);
  const x = trace.input('x', [count]);
  const [twice, y] = [trace.activation('twice', [count]), trace.activation('y', [count])];
  trace.emit(elementwise({ kind: 'add', count }, trace.traits), [x, x, twice]);
  trace.emit(elementwise({ kind: 'multiply', count }, trace.traits), [twice, twice, y]);
  trace.output('y', y);
  const program = await Program.build(gpu, trace, `square ${count}`);
  made.push(program);
  return program;
}

async function resultOf(program: Program, count: number, x: number): Promise<number[]> {
  program.write('x', new Float32Array(count).fill(x));
  await program.run();
  return [...new Set((await program.read('y')) as Float32Array)];
}

const arenas = ({ peak }: FailingGpu): number[] =>
  peak()
    .filter(({ label }) => label.startsWith('shared arena'))
    .map(({ bytes }) => bytes);

describe('ArenaPool', () => {
  it('has room for the largest program, not for all', async () => {
    const device = await ownDevice();
    for (const count of [64, 4096, 256]) await square(device, count);
    expect(arenas(device)).toEqual([16384, 16384]);
  });

  it('keeps results right while arenas are replaced by larger and smaller ones', async () => {
    const device = await ownDevice();
    const small = await square(device, 64);
    expect(await resultOf(small, 64, 3)).toEqual([36]);
    const large = await square(device, 4096);
    expect(await resultOf(small, 64, 5)).toEqual([100]);
    expect(await resultOf(large, 4096, 1)).toEqual([4]);
    expect(await resultOf(small, 64, -2)).toEqual([16]);
    const before = device.gpu.counters.bufferBytes;
    made.splice(made.indexOf(large), 1);
    large.destroy();
    expect(device.gpu.counters.bufferBytes).toBeLessThan(before - 2 * 16384);
    expect(await resultOf(small, 64, 7)).toEqual([196]);
    await device.gpu.fence();
  });

  it('frees everything with the last program, also when an arena cannot be made', async () => {
    const device = await ownDevice();
    const small = await square(device, 64);
    const [live, bytes] = [device.live(), device.gpu.counters.bufferBytes];
    device.failAt(1);
    await expect(square(device, 4096)).rejects.toThrow(/fails on purpose/);
    device.failAt();
    expect(await resultOf(small, 64, 3)).toEqual([36]);
    expect([device.live(), device.gpu.counters.bufferBytes]).toEqual([live, bytes]);
    made.splice(0);
    small.destroy();
    expect(device.live()).toBe(0);
  });

  it('lets programs that can wait run one after another', async () => {
    const device = await ownDevice();
    const programs = [await square(device, 64), await square(device, 64)] as const;
    programs.forEach((program, at) => {
      program.write('x', new Float32Array(64).fill(at + 1));
    });
    const [first, second] = programs;
    await Promise.all([first.run(), second.run()]);
    expect([...new Set((await second.read('y')) as Float32Array)]).toEqual([16]);
    await expect(first.read('y')).rejects.toThrow(/square 64 ran last/);
  });

  it('refuses a program while another is between the parts of its run', async () => {
    const { gpu } = await ownDevice();
    const pool = new ArenaPool(gpu);
    const [a, b] = ['a', 'b'].map((label) => ({ label, arenaBytes: [256] }));
    pool.add(a!);
    pool.add(b!);
    pool.enter(a!);
    expect(() => pool.enter(b!)).toThrow('b cannot run while a runs: they share their memory.');
    // An arena that is replaced meanwhile stays until the run has ended.
    const before = gpu.counters.bufferBytes;
    const larger = { label: 'larger', arenaBytes: [1024] };
    pool.add(larger);
    expect(gpu.counters.bufferBytes).toBe(before + 1024);
    pool.leave(a!);
    expect(gpu.counters.bufferBytes).toBe(before + 1024 - 256);
    pool.enter(b!);
    pool.leave(b!);
    // Who can wait does, and is not kept waiting by a program that is destroyed in the middle of its run.
    pool.enter(a!);
    const order: string[] = [];
    const waiting = pool.idle().then(() => order.push('b'));
    order.push('a');
    pool.remove(a!);
    await waiting;
    expect(order).toEqual(['a', 'b']);
    for (const user of [b!, larger]) pool.remove(user);
    expect(gpu.counters.bufferBytes).toBe(before - 256);
  });
});
