// What the gpu bench is made of, without a GPU: small models of the same kinds, the patterns of random weights, and what the
// report says of rows and failures.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { createPrng } from '../../src/lib/prng';
import { parseModelConfig } from '../../src/model/config';
import { expectedShapes } from '../../src/model/weight_names';
import { GpuBench } from '../../tools/bench_gpu_parts';
import { formatRow, summaryOf } from '../../tools/bench_gpu_report';
import { type GpuBenchRun, rowOf, SMALL_SIZES } from '../bench/gpu_rows';
import { wordPatterns } from '../bench/random_weights';
import { smallSpec } from '../bench/small_spec';
import { decodeQuantised } from '../reference/weight_format';

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const SPECS = {
  '256M': parseModelConfig(read('test/fixtures/shapes/smolvlm-256m.json').config),
  '3B': parseModelConfig(read('configs/models/Qwen2.5-VL-3B-Instruct.json')),
  '7B': parseModelConfig(read('configs/models/Qwen2.5-VL-7B-Instruct.json')),
};

describe('smallSpec', () => {
  it.each(Object.entries(SPECS))('keeps the parts of %s in a thirtieth of its size', (_, spec) => {
    const small = smallSpec(spec);
    const sizeOf = (of: typeof spec) =>
      [...expectedShapes(of).values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b), 0);
    expect(sizeOf(small)).toBeLessThan(sizeOf(spec) / 30);
    const kindsOf = (of: typeof spec) =>
      new Set([...expectedShapes(of).keys()].map((name) => name.replace(/\.\d+\./, '.N.')));
    expect(kindsOf(small)).toEqual(kindsOf(spec));
    const { text, connector } = small;
    expect(text.numAttentionHeads % text.numKeyValueHeads).toBe(0);
    expect(connector.main.layers.at(-1)!.outputs).toBe(text.hiddenSize);
    expect(small.imageTokenId).toBeLessThan(text.vocabSize);
  });
});

describe('wordPatterns', () => {
  const prng = createPrng(5);
  const words = (count: number, { mask, bits }: { mask: number; bits: number }) =>
    Uint32Array.from({ length: count }, () => ((prng.nextU32() & mask) | bits) >>> 0);
  const rms = (values: ArrayLike<number>) => Math.hypot(...Array.from(values)) / Math.sqrt(values.length);

  it.each([0.5, 1 / 40, 1 / 137])('draws values of about %f in every format', (sigma) => {
    const [f32] = wordPatterns('f32', sigma);
    const sizes = { f32: rms(new Float32Array(words(2000, f32!).buffer)) };
    const [bf16] = wordPatterns('bf16', sigma);
    const halves = new Uint16Array(words(1000, bf16!).buffer);
    const widened = new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
    const quantised = Object.fromEntries(
      (['int8', 'int4'] as const).map((format) => {
        const [q, s] = wordPatterns(format, sigma);
        const quants = words(format === 'int8' ? 512 : 256, q!);
        const scales = new Uint16Array(words(32, s!).buffer);
        const values = Float64Array.from({ length: 2048 }, (_, at) =>
          decodeQuantised(format, quants, scales, 2048, 0, at),
        );
        return [format, rms(values)];
      }),
    );
    for (const size of Object.values({ ...sizes, bf16: rms(widened), ...quantised })) {
      // A power of two lies between half of what is asked and all of it; scales have a fraction, too.
      expect(size).toBeGreaterThan(0.45 * sigma);
      expect(size).toBeLessThan(1.65 * sigma);
    }
  });
});

describe('GpuBench', () => {
  const gpu = { fence: async () => undefined } as unknown as GpuContext;
  const row = (name: string) => rowOf(name, 1, { flops: 0, bytes: 0 }, null);
  const benchOf = (signal: AbortSignal, current = async () => gpu) =>
    new GpuBench({ current }, SMALL_SIZES, 1, signal);

  const waiting = ({ signal }: GpuBenchRun) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

  it('keeps what a part measured before it failed, and goes on', async () => {
    const bench = benchOf(new AbortController().signal);
    await bench.measure({
      ...{ name: 'first', seconds: 10 },
      measure: async ({ add }) => {
        add(row('a'));
        throw new Error('out of memory');
      },
    });
    await bench.measure({ name: 'second', seconds: 10, measure: async ({ add }) => add(row('b')) });
    expect(bench.parts).toMatchObject([
      { name: 'first', failure: 'out of memory', rows: [{ name: 'a' }] },
      { name: 'second', failure: null, rows: [{ name: 'b' }] },
    ]);
  });

  it('stops a part after its time, and records that no device was to be had', async () => {
    const bench = benchOf(new AbortController().signal);
    await bench.measure({ name: 'slow', seconds: 0.02, measure: waiting });
    expect(bench.parts[0]!.failure).toBe('It took more than 0 s.');
    const lost = benchOf(new AbortController().signal, () => Promise.reject(new Error('no adapter')));
    await lost.measure({ name: 'any', seconds: 10, measure: waiting });
    expect(lost.parts[0]!.failure).toBe('no adapter');
  });

  it('gives the last part what is left of the whole time, and later ones none', async () => {
    // Half a millisecond more than a whole number of them.
    const bench = new GpuBench(
      { current: async () => gpu },
      SMALL_SIZES,
      200.5 / 60_000,
      new AbortController().signal,
    );
    await bench.measure({ name: 'last', seconds: 10, measure: waiting });
    await bench.measure({ name: 'late', seconds: 10, measure: waiting });
    expect(bench.parts.map(({ failure }) => failure)).toEqual([
      'It took more than 0 s.',
      'There was no time left for it.',
    ]);
  });

  it('ends with the caller, with the part that was under way among the results', async () => {
    const caller = new AbortController();
    const bench = benchOf(caller.signal);
    const measure = async ({ add }: GpuBenchRun) => {
      add(row('a'));
      caller.abort(new Error('stop'));
      caller.signal.throwIfAborted();
    };
    await expect(bench.measure({ name: 'cut', seconds: 10, measure })).rejects.toThrow('stop');
    expect(bench.parts).toMatchObject([{ name: 'cut', failure: 'stop', rows: [{ name: 'a' }] }]);
  });
});

describe('rows and their summary', () => {
  const peak = { copyGigabytes: 100, fmaGflops: 1000 };

  it('holds a row against the yardstick that bounds it', () => {
    const row = rowOf('decode', 2, { flops: 1e8, bytes: 1e8 }, peak, { tokensPerSecond: 1333 });
    expect(row).toMatchObject({ gflops: 50, gigabytes: 50, share: 0.5, bound: 'memory' });
    expect(formatRow(row)).toMatch(/decode +2 ms +50 GB\/s +50 % of memory +1330 tokens\/s/);
    expect(rowOf('grpo', 2, { flops: 0, bytes: 0 }, peak)).toMatchObject({ share: null, gflops: null });
    expect(rowOf('copy', 2, { flops: 0, bytes: 1e8 }, null)).toMatchObject({ share: null, gigabytes: 50 });
  });

  it('says what failed beside what was measured before', () => {
    const row = (name: string, milliseconds: number) =>
      rowOf(name, milliseconds, { flops: 1e9, bytes: 1 }, peak, { note: '' });
    const parts = [
      { name: 'gemm', seconds: 1, failure: null, rows: [row('a', 2), row('b', 20)] },
      { name: 'decode 7B', seconds: 3, failure: 'It took more than 3 s.', rows: [] },
    ];
    expect(summaryOf(parts, peak)).toEqual([
      'peak: copies 100 GB/s, multiply-adds 1 TFLOP/s in f32',
      'gemm: 5.0 % to 50 % of the peak that bounds it',
      'decode 7B: failed: It took more than 3 s.',
    ]);
    expect(summaryOf(parts, null)[0]).toMatch(/^gemm/);
  });
});
