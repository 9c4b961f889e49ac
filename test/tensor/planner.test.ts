// The planner over random traces of made-up calls, without a GPU: nothing alive overlaps, nothing is bound read and
// read_write at once.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BINDING_ALIGNMENT } from '../../src/gpu/buffer_region';
import type { DeviceTraits } from '../../src/gpu/device';
import type { BindingAccess, KernelCall, OperandSpec } from '../../src/gpu/kernel';
import { type Plan, planMemory } from '../../src/tensor/planner';
import { externalTensor, type Tensor, Trace } from '../../src/tensor/trace';

const traits = { maxBindingBytes: 2 ** 27 } as DeviceTraits;

function call(bindings: readonly BindingAccess[]): KernelCall {
  const kernel = { name: bindings.join(), source: '', entryPoint: 'none', bindings, hasParams: false };
  // Sizes do not matter here.
  const operands = bindings.map(
    (access, index): OperandSpec => ({
      ...{ name: `operand ${index}`, access, dtype: 'f32', count: 1, orMore: true },
    }),
  );
  return { kernel, operands, params: undefined, grid: [1, 1, 1], flops: 1, bytes: 4 };
}

/** Emits a node that reads `from` and writes one new activation, or adds to an old one. */
function emit(trace: Trace, from: readonly Tensor[], to: Tensor): Tensor {
  const bindings = [...from.map((): BindingAccess => 'read'), 'read_write' as const];
  trace.emit(call(bindings), [...from, to]);
  return to;
}

interface Step {
  readonly size: number;
  readonly reads: readonly number[];
  readonly accumulate: boolean;
}

const steps = fc.array(
  fc.record({
    size: fc.integer({ min: 1, max: 300 }),
    reads: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
    accumulate: fc.boolean(),
  }),
  { minLength: 1, maxLength: 40 },
);

function randomTrace(recipe: readonly Step[], outputs: readonly number[]): Trace {
  const trace = new Trace(traits);
  const made: Tensor[] = [trace.input('x', [3])];
  for (const { size, reads, accumulate } of recipe) {
    const from = [...new Set(reads.map((read) => made[read % made.length]!))];
    const old = made.at(-1)!;
    const adds = accumulate && old.kind === 'activation' && !from.includes(old);
    const to = adds ? old : trace.activation(`t${made.length}`, [size]);
    emit(trace, from, to);
    if (!adds) made.push(to);
  }
  const activations = made.filter(({ kind }) => kind === 'activation');
  const chosen = new Set(outputs.map((at) => activations[at % activations.length]!));
  [...chosen].forEach((tensor, index) => {
    trace.output(`y${index}`, tensor);
  });
  return trace;
}

/** First and last node that touches each activation; outputs live to the end. */
function lifetimes(trace: Trace, plan: Plan): Map<number, [number, number]> {
  const spans = new Map<number, [number, number]>();
  plan.nodes.forEach((node, index) => {
    for (const { id, kind } of node.operands) {
      if (kind === 'activation') spans.set(id, [spans.get(id)?.[0] ?? index, index]);
    }
  });
  for (const { id } of trace.outputs.values()) spans.set(id, [spans.get(id)![0], plan.nodes.length]);
  return spans;
}

describe('planMemory', () => {
  it('never overlaps what lives at the same time, and keeps arenas apart within a dispatch', () => {
    fc.assert(
      fc.property(steps, fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), (recipe, outputs) => {
        const trace = randomTrace(recipe, outputs);
        const plan = planMemory(trace);
        const spans = [...lifetimes(trace, plan)];
        for (const [id, [first, last]] of spans) {
          const place = plan.placements.get(id)!;
          expect(place.offset % BINDING_ALIGNMENT).toBe(0);
          expect(place.offset + place.bytes).toBeLessThanOrEqual(plan.arenaBytes[place.arena]!);
          for (const [other, [from, to]] of spans) {
            if (other === id || to < first || last < from) continue;
            const there = plan.placements.get(other)!;
            const apart =
              there.arena !== place.arena ||
              there.offset + there.bytes <= place.offset ||
              place.offset + place.bytes <= there.offset;
            expect(apart).toBe(true);
          }
        }
        for (const { call, operands } of plan.nodes) {
          const arenas = (access: BindingAccess): Set<number | undefined> =>
            new Set(
              operands
                .filter(({ kind }, at) => kind === 'activation' && call.kernel.bindings[at] === access)
                .map(({ id }) => plan.placements.get(id)?.arena),
            );
          const written = arenas('read_write');
          for (const arena of arenas('read')) expect(written.has(arena)).toBe(false);
        }
        expect(plan.arenaBytes.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(
          plan.unplannedBytes,
        );
      }),
      { numRuns: 200, seed: 7 },
    );
  });

  it('is deterministic', () => {
    const recipe = Array.from({ length: 30 }, (_, i) => ({
      size: 1 + ((i * 37) % 211),
      reads: [i, i * 5],
      accumulate: i % 4 === 0,
    }));
    const shape = (plan: Plan): unknown => [
      [...plan.placements.values()],
      plan.arenaBytes,
      plan.nodes.length,
    ];
    expect(shape(planMemory(randomTrace(recipe, [3])))).toEqual(shape(planMemory(randomTrace(recipe, [3]))));
  });

  it('keeps writes to memory that others own, and what they need; drops the rest', () => {
    const trace = new Trace(traits);
    const buffer = {} as GPUBuffer;
    const cache = externalTensor('cache', [4], 'f32', { buffer, offset: 0, bytes: 16 });
    const x = trace.input('x', [4]);
    const used = emit(trace, [x], trace.activation('used', [4]));
    emit(trace, [used], trace.activation('unused', [4]));
    emit(trace, [used], cache);
    const plan = planMemory(trace);
    expect(plan.nodes.map(({ operands }) => operands.at(-1)!.name)).toEqual(['used', 'cache']);
    expect([...plan.placements.keys()]).toEqual([used.id]);
  });

  it('names the kernel and tensor of what cannot run', () => {
    const early = new Trace(traits);
    early.output('y', emit(early, [early.activation('late', [1])], early.activation('y', [1])));
    expect(() => planMemory(early)).toThrow(/reads late/);
    const both = new Trace(traits);
    const t = emit(both, [both.input('x', [1])], both.activation('t', [1]));
    both.output('y', emit(both, [t], t));
    expect(() => planMemory(both)).toThrow(/reads and writes t /);
  });

  it('places inputs one after another, aligned', () => {
    const trace = new Trace(traits);
    const a = trace.input('a', [65]);
    const b = trace.input('b', [1]);
    trace.output('y', emit(trace, [a, b], trace.activation('y', [1])));
    const plan = planMemory(trace);
    expect([...plan.inputOffsets]).toEqual([
      ['a', 0],
      ['b', 512],
    ]);
    expect(plan.inputBytes).toBe(768);
  });
});
