// Sampling: the distribution against goldens and a sorting f64 reference; the draw by chi-square; the bookkeeping exactly.
import { describe, expect, it } from 'vitest';
import type { DeviceTraits } from '../../src/gpu/device';
import {
  packSampling,
  packSeen,
  packStop,
  SAMPLER_REACHES,
  type SamplerReach,
  type SamplingSettings,
  sampler,
  samplerProbabilities,
  samplerReach,
} from '../../src/kernels/sampler';
import { testGpu } from '../harness/gpu';
import { runCall } from '../harness/run_call';
import { philoxReference, samplerReference } from '../reference/sampler';
import { dirty, expectClose, Goldens, normals, runTwice } from './support';

/** The adapter as it is, and as hardware: other workgroup sizes and digits of the same shader. */
async function bothTraits(): Promise<DeviceTraits[]> {
  const { traits } = await testGpu();
  return [traits, { ...traits, software: !traits.software }];
}

async function distribution(
  logits: Float32Array,
  history: readonly number[],
  settings: SamplingSettings,
  traits: DeviceTraits,
) {
  const vocab = logits.length;
  const call = samplerProbabilities({ batch: 1, vocab }, traits);
  const outputs = [dirty(vocab), new Uint32Array(vocab).fill(7), dirty(vocab)];
  const operands = [logits, packSampling(settings), packSeen(vocab, history), ...outputs];
  const [, , , penalised, kept, probabilities] = await runCall(await testGpu(), call, operands);
  return { penalised: penalised!, kept: kept!, probabilities: probabilities! };
}

interface Step {
  readonly logits: Float32Array;
  readonly settings: readonly SamplingSettings[];
  readonly stop?: Uint32Array;
  readonly sequences?: Uint32Array;
  readonly seen?: Uint32Array;
}

/** One sampling step; fields default to fresh sequences, no end ids and nothing seen. */
async function step(o: Step, traits?: DeviceTraits, reach: SamplerReach = samplerReach(o.settings)) {
  const gpu = await testGpu();
  const batch = o.settings.length;
  const vocab = o.logits.length / batch;
  const sampling = new Uint32Array(batch * 8);
  o.settings.forEach((settings, b) => {
    sampling.set(packSampling(settings), 8 * b);
  });
  const [, , , seen, sequences, ids] = await runTwice(
    gpu,
    sampler({ batch, vocab, reach }, traits ?? gpu.traits),
    [
      o.logits,
      sampling,
      o.stop ?? packStop(0, []),
      o.seen ?? new Uint32Array(batch * Math.ceil(vocab / 32)),
      o.sequences ?? new Uint32Array(batch * 8),
      new Uint32Array(batch).fill(0xffffffff),
    ],
  );
  return { seen: seen as Uint32Array, sequences: sequences as Uint32Array, ids: [...ids!] };
}

describe('samplerProbabilities', () => {
  it('matches the goldens, with exactly the same survivors', async () => {
    const goldens = await Goldens.load('sampling');
    const names = goldens.names.filter((name) => name.endsWith('.params')).map((name) => name.split('.')[0]!);
    expect(names.length).toBeGreaterThanOrEqual(12);
    for (const traits of await bothTraits()) {
      for (const name of names) {
        const [temperature, topK, topP, repetitionPenalty] = goldens.f32(`${name}.params`) as unknown as [
          number,
          number,
          number,
          number,
        ];
        const settings = { temperature, topK, topP, repetitionPenalty };
        const result = await distribution(
          goldens.f32(`${name}.logits`),
          [...goldens.i32(`${name}.history`)],
          settings,
          traits,
        );
        goldens.expectMatch(`${name}.penalised`, result.penalised);
        goldens.expectMatch(`${name}.kept`, result.kept);
        goldens.expectMatch(`${name}.probs`, result.probabilities);
      }
    }
  });

  it.each<[string, number, SamplingSettings]>([
    ['one id', 1, { temperature: 0.7, topK: 3, topP: 0.4, minP: 0.5 }],
    ['greedy', 67, { temperature: 0, topK: 5 }],
    ['min_p', 131, { temperature: 1.3, minP: 0.07 }],
    [
      'everything at once',
      1031,
      { temperature: 0.9, topK: 200, topP: 0.9, minP: 0.02, repetitionPenalty: 1.3 },
    ],
    ['top_p nearly nothing', 131, { temperature: 1, topP: 1e-6 }],
    ['top_p of zero', 131, { temperature: 1, topP: 0 }],
    ['top_k of one', 131, { temperature: 1, topK: 1 }],
    ['top_k beyond the vocabulary', 67, { temperature: 1, topK: 68 }],
  ])('matches the reference: %s', async (_, vocab, settings) => {
    const logits = normals(vocab, vocab, 3);
    const history = [0, vocab - 1, vocab >> 1];
    const truth = samplerReference(logits, new Set(history), settings);
    for (const traits of await bothTraits()) {
      const result = await distribution(logits, history, settings, traits);
      expect([...result.kept]).toEqual([...truth.kept]);
      // exp of an f32 exponent up to about 20: 1e-6 relative, of probabilities up to 1.
      expectClose(result.probabilities, truth.probabilities, { abs: 2e-6 });
    }
  });

  it('treats ties as Hugging Face does', async () => {
    for (const traits of await bothTraits()) {
      // All equal: rank 2 ties with every id, so top-k keeps all; top-p drops the lowest half, in ascending id order.
      const flat = new Float32Array(8).fill(-1.5);
      expect([...(await distribution(flat, [], { temperature: 1, topK: 2 }, traits)).kept]).toEqual(
        new Array(8).fill(1),
      );
      const half = await distribution(flat, [], { temperature: 1, topP: 0.5 }, traits);
      expect([...half.kept]).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
      // Two large and many small ties: 0.45 of mass each, the small ones share 0.1.
      const logits = new Float32Array(52).fill(Math.log(0.002));
      logits[3] = logits[40] = Math.log(0.45);
      const result = await distribution(logits, [], { temperature: 1, topP: 0.951 }, traits);
      const truth = samplerReference(logits, new Set(), { temperature: 1, topP: 0.951 });
      expect(truth.kept.reduce((a, b) => a + b, 0)).toBe(28);
      expect([...result.kept]).toEqual([...truth.kept]);
    }
  });

  it('survives NaN, infinities and huge logits', async () => {
    const logits = Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY, 1e30, 3, Number.NaN);
    for (const traits of await bothTraits()) {
      const { probabilities } = await distribution(
        logits,
        [],
        { temperature: 1, topK: 3, topP: 0.9 },
        traits,
      );
      expect([...probabilities]).toEqual([0, 0, 1, 0, 0]);
    }
  });

  it('ranks a vocabulary of 152064', async () => {
    const vocab = 152064;
    const logits = normals(vocab, 9, 2);
    const settings = { temperature: 0.8, topP: 0.9, repetitionPenalty: 1.1 };
    const truth = samplerReference(logits, new Set([1, 70000]), settings);
    const { traits } = await testGpu();
    const { kept, probabilities } = await distribution(logits, [1, 70000], settings, traits);
    // f32 weights move the border by a few ids of mass 1e-6 out of tens of thousands.
    const count = (x: ArrayLike<number>) => Array.from(x).reduce((a, b) => a + b, 0);
    expect(Math.abs(count(kept) - count(truth.kept))).toBeLessThanOrEqual(3);
    expectClose(probabilities, truth.probabilities, { abs: 2e-6 });
    expect(count(probabilities)).toBeCloseTo(1, 4);
  });
});

describe('sampler', () => {
  it('has Philox as published', () => {
    // Known answers of the authors' Random123 library.
    expect(philoxReference([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    const ones = [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff];
    expect(philoxReference(ones, ones.slice(2))).toEqual([0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
  });

  it('draws the id at the Philox number of seed and step', async () => {
    // 4096 equal logits at workgroup size w: column, then row; any id's probability is 2^-12, so the draw shows the bits.
    const vocab = 4096;
    const seeds = [0, 1, 2 ** 40 + 5, Number.MAX_SAFE_INTEGER];
    const sequences = new Uint32Array(8 * seeds.length);
    seeds.forEach((_, b) => {
      sequences[8 * b + 5] = 3 * b;
    });
    const logits = new Float32Array(vocab * seeds.length);
    const { ids } = await step({
      logits,
      settings: seeds.map((seed) => ({ temperature: 1, seed })),
      sequences,
    });
    const { kernel } = sampler({ batch: 1, vocab, reach: 'drawing' }, (await testGpu()).traits);
    const width = Number(/@workgroup_size\((\d+)\)/.exec(kernel.source)![1]);
    const want = seeds.map((seed, b) => {
      const bits = philoxReference([3 * b, 0, 0, 0], [seed % 2 ** 32, Math.floor(seed / 2 ** 32)])[0]!;
      const place = Math.floor((((bits >>> 9) + 0.5) / 2 ** 23) * vocab);
      const rows = vocab / width;
      return (place % rows) * width + Math.floor(place / rows);
    });
    expect(ids).toEqual(want);
  });

  it.each<[string, number, SamplingSettings]>([
    ['plain', 100000, { temperature: 1 }],
    [
      'with top-k, top-p and a penalty',
      20000,
      { temperature: 1.4, topK: 9, topP: 0.95, repetitionPenalty: 1.2 },
    ],
  ])('draws from the right distribution: %s, %i draws', async (_, draws, settings) => {
    const gpu = await testGpu();
    const vocab = 19;
    const row = normals(vocab, 11, 1.5);
    const history = [2, 3, 17];
    const { probabilities } = samplerReference(row, new Set(history), settings);
    const batch = draws / 4;
    const [logits, sampling] = [new Float32Array(batch * vocab), new Uint32Array(batch * 8)];
    const [seen, sequences] = [new Uint32Array(batch), new Uint32Array(batch * 8)];
    for (let b = 0; b < batch; b++) {
      logits.set(row, b * vocab);
      // Two seeds per step number: streams must be independent along both.
      sampling.set(packSampling({ ...settings, seed: b % 2 }), b * 8);
      seen[b] = packSeen(vocab, history)[0]!;
    }
    const counts = new Float64Array(vocab);
    for (let round = 0; round < 4; round++) {
      for (let b = 0; b < batch; b++) sequences[8 * b + 5] = round * batch + (b >> 1);
      const call = sampler({ batch, vocab, reach: samplerReach([settings]) }, gpu.traits);
      const operands = [logits, sampling, packStop(0, []), seen, sequences, new Uint32Array(batch)];
      for (const id of (await runCall(gpu, call, operands))[5]!) counts[id]!++;
    }
    let chi = 0;
    let cells = 0;
    probabilities.forEach((p, id) => {
      if (p === 0) {
        expect(counts[id]).toBe(0);
        return;
      }
      expect(p * draws).toBeGreaterThan(5);
      chi += (counts[id]! - p * draws) ** 2 / (p * draws);
      cells++;
    });
    // Wilson-Hilferty: the cube root of chi²/k is normal; 4 sigma is one false alarm in 30000, and seeds are fixed.
    const freedom = cells - 1;
    const z = (Math.cbrt(chi / freedom) - (1 - 2 / (9 * freedom))) / Math.sqrt(2 / (9 * freedom));
    expect(Math.abs(z)).toBeLessThan(4);
  });

  it('repeats itself for a seed and a step, and differs for others', async () => {
    const vocab = 997;
    const logits = normals(vocab * 8, 12);
    for (let b = 1; b < 8; b++) logits.copyWithin(b * vocab, 0, vocab);
    const sequences = new Uint32Array(64);
    for (let b = 0; b < 8; b++) sequences[8 * b + 5] = b < 4 ? 6 : b;
    const settings = [5, 5, 5, 6, 5, 5, 5, 5].map((seed) => ({ temperature: 1, seed }));
    const { ids } = await step({ logits, settings, sequences });
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).toBe(ids[0]);
    // Row 6 has the seed and the step of row 0, elsewhere in the batch.
    expect(ids[6]).toBe(ids[0]);
    expect(new Set([ids[0], ids[3], ids[4], ids[5], ids[7]]).size).toBe(5);
  });

  it.each<[SamplerReach, SamplingSettings[]]>([
    ['greedy', [{ temperature: 0, topK: 5 }]],
    ['greedy', [{ temperature: 0, repetitionPenalty: 1.3 }, { temperature: 0 }]],
    [
      'drawing',
      [
        { temperature: 1, seed: 3, topP: 1, topK: 0 },
        { temperature: 0, topP: 0.5 },
      ],
    ],
    ['truncating', [{ temperature: 0 }, { temperature: 0.7, topP: 0.9 }]],
    ['truncating', [{ temperature: 1, minP: 0.1 }]],
    ['truncating', [{ temperature: 1, topK: 3 }]],
  ])('needs to be %s for %o, and does the same where it could do more', async (least, settings) => {
    expect(samplerReach(settings)).toBe(least);
    const logits = normals(301 * settings.length, 21);
    const enough = SAMPLER_REACHES.slice(SAMPLER_REACHES.indexOf(least));
    for (const traits of await bothTraits()) {
      const outcomes = [];
      for (const reach of enough) outcomes.push(await step({ logits, settings }, traits, reach));
      for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
    }
  });

  it('takes the lowest id of equal logits when greedy', async () => {
    const logits = new Float32Array(4099).fill(-3);
    logits[4098] = logits[77] = logits[2050] = 1;
    for (const traits of await bothTraits()) {
      expect((await step({ logits, settings: [{ temperature: 0 }] }, traits)).ids).toEqual([77]);
    }
    expect((await step({ logits: Float32Array.of(Number.NaN), settings: [{ temperature: 1 }] })).ids).toEqual(
      [0],
    );
  });

  it('penalises what was seen, and remembers what it drew', async () => {
    const logits = Float32Array.of(2, 1.9, -1, 0);
    const first = await step({ logits, settings: [{ temperature: 0, repetitionPenalty: 1.5 }] });
    expect(first.ids).toEqual([0]);
    expect([...first.seen]).toEqual([1]);
    const second = await step({ ...first, logits, settings: [{ temperature: 0, repetitionPenalty: 1.5 }] });
    expect(second.ids).toEqual([1]);
    expect([...second.seen]).toEqual([3]);
  });

  it('advances live sequences, finishes on end ids and on the limit, and leaves finished ones alone', async () => {
    const vocab = 40;
    const logits = new Float32Array(5 * vocab);
    [7, 39, 12, 12, 33].forEach((id, b) => {
      logits[b * vocab + id] = 9;
    });
    // Every word distinct, so that a write to a wrong one shows.
    const sequences = Uint32Array.from({ length: 40 }, (_, i) => 100 + i);
    for (let b = 0; b < 5; b++) sequences[8 * b + 6] = b === 3 ? 1 : 0;
    sequences[4 * 8 + 5] = 4;
    const settings = [0, 0, 0, 0, 5].map((maxNewTokens) => ({ temperature: 0, maxNewTokens }));
    const result = await step({
      logits,
      settings,
      stop: packStop(3, [2, 39]),
      sequences: sequences as Uint32Array,
    });
    expect(result.ids).toEqual([7, 39, 12, 3, 33]);
    const want = sequences.slice();
    [7, 39, 12, 3, 33].forEach((id, b) => {
      want[8 * b + 7] = id;
      if (b === 3) return;
      for (const word of [1, 4, 5]) want[8 * b + word]! += 1;
      want[8 * b + 6] = b === 1 || b === 4 ? 1 : 0;
    });
    expect(result.sequences).toEqual(want);
    expect([...result.seen]).toEqual([1 << 7, 0, 0, 1 << 7, 1 << 12, 0, 0, 0, 0, 1 << 1]);
  });

  it('names what is out of range', async () => {
    const { traits } = await testGpu();
    expect(() => packSampling({ temperature: -1 })).toThrow(/temperature is -1/);
    expect(() => packSampling({ temperature: 1, topP: Number.NaN })).toThrow(/topP is NaN/);
    expect(() => packSeen(10, [10])).toThrow(/Token 10/);
    expect(() => sampler({ batch: 1, vocab: 2 ** 18 + 1, reach: 'greedy' }, traits)).toThrow(
      /at most 262144/,
    );
  });
});
