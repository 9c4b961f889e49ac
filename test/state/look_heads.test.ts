// Single layers and heads of one token: their shares and maps, whose means are what was recorded, and when they are shown.
import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import { createPrng } from '../../src/lib/prng';
import { createLookHeads, mapOfHeads, partWords, sharesOfHeads } from '../../src/state/look_heads';
import type { Inspected } from '../../src/state/look_selection';
import type { StepRange } from '../../src/state/segment_layout';
import { beginAnswer, EMPTY_SESSION, reduceSession } from '../../src/state/session';
import type { HeadAttention } from '../../src/worker/protocol/answers';
import { ASKED, LOADED_MODEL, script } from './engine_script';

/** Two layers of three heads over two cells; masses [image, question, generated, all]. */
const DATA: HeadAttention = {
  layers: 2,
  heads: 3,
  masses: Float32Array.from(
    [
      [0.5, 0.25, 0, 1],
      [0, 0.5, 0.5, 1],
      [0.25, 0, 0.25, 0.5],
      [0.1, 0.1, 0, 0.2],
      [0, 0, 0, 0],
      [0.2, 0, 0, 0.2],
    ].flat(),
  ),
  maps: Float32Array.from([0.5, 0, 0, 0, 0, 0.25, 0.1, 0, 0, 0, 0, 0.2]),
};

describe('sharesOfHeads', () => {
  it('takes the shares of one head, and zero where it looks only before the image', () => {
    expect(sharesOfHeads(DATA, { layer: 0, head: 2 })).toEqual({ image: 0.5, query: 0, generated: 0.5 });
    expect(sharesOfHeads(DATA, { layer: 1, head: 1 })).toEqual({ image: 0, query: 0, generated: 0 });
  });

  it('adds masses over heads before it divides, and averages shares over layers', () => {
    expect(sharesOfHeads(DATA, { layer: 0, head: null }).image).toBeCloseTo(0.75 / 2.5, 6);
    // Of head 3 alone: half in the first layer, all in the second.
    expect(sharesOfHeads(DATA, { layer: null, head: 2 }).image).toBeCloseTo(0.75, 6);
    const all = sharesOfHeads(DATA, { layer: null, head: null });
    expect(all.image).toBeCloseTo((0.75 / 2.5 + 0.3 / 0.4) / 2, 6);
  });
});

describe('mapOfHeads', () => {
  it('is the mean over the chosen ones', () => {
    expect([...mapOfHeads(DATA, { layer: 0, head: 0 })]).toEqual([0.5, 0]);
    const sum = (map: Float32Array) => map.reduce((a, b) => a + b, 0);
    expect(sum(mapOfHeads(DATA, { layer: null, head: null }))).toBeCloseTo(1.05 / 6, 6);
    const prng = createPrng(3);
    const maps = Float32Array.from({ length: 4 * 5 * 7 }, () => prng.nextFloat());
    const data = { layers: 4, heads: 5, masses: new Float32Array(80), maps };
    const all = mapOfHeads(data, { layer: null, head: null });
    const layers = [0, 1, 2, 3].map((layer) => mapOfHeads(data, { layer, head: null }));
    // Means of f32 values below 1 in f64: what is left is the rounding to f32, 6e-8.
    all.forEach((value, cell) => {
      const mean = layers.reduce((total, map) => total + (map[cell] ?? 0), 0) / 4;
      expect(Math.abs(mean - value)).toBeLessThan(2e-7);
    });
  });
});

describe('createLookHeads', () => {
  function setUp(outcome: () => Promise<HeadAttention> = async () => DATA) {
    const asked: number[] = [];
    const inspected: (Inspected | null)[] = [];
    const begun = reduceSession({ ...EMPTY_SESSION, model: LOADED_MODEL }, []);
    const session = signal(reduceSession(beginAnswer(begun, ASKED), script()));
    const shown = signal<StepRange | null>({ from: 3, to: 3 });
    let stops = 0;
    const heads = createLookHeads({
      session,
      shown,
      attendByHead: (step) => {
        asked.push(step);
        return outcome();
      },
      stop: async () => {
        stops += 1;
      },
      inspect: (own) => inspected.push(own),
    });
    return { heads, session, shown, asked, inspected, stops: () => stops };
  }

  it('shows a choice at the step that it was fetched for, and the recorded mean elsewhere', async () => {
    const { heads, shown, asked, inspected } = setUp();
    await heads.fetch();
    expect(asked).toEqual([3]);
    expect(inspected.at(-1)).toBeNull();
    heads.choose({ layer: 0, head: 2 });
    expect(inspected.at(-1)).toMatchObject({ answer: 1, step: 3, part: 'layer 1, head 3' });
    expect(inspected.at(-1)?.shares.image).toBe(0.5);
    shown.value = { from: 4, to: 4 };
    expect([heads.shown.value, inspected.at(-1)]).toEqual([null, null]);
    shown.value = { from: 3, to: 3 };
    expect(inspected.at(-1)?.step).toBe(3);
    heads.choose({ layer: null, head: null });
    expect(inspected.at(-1)).toBeNull();
    heads.dispose();
  });

  it('offers one step of a closed answer of the loaded model alone', () => {
    const { heads, shown, session } = setUp();
    expect(heads.step.value).toBe(3);
    shown.value = { from: 3, to: 5 };
    expect(heads.step.value).toBeNull();
    shown.value = { from: 3, to: 3 };
    const other = { ...LOADED_MODEL, entry: { ...LOADED_MODEL.entry, label: 'Other' } };
    session.value = { ...session.value, model: other };
    expect(heads.step.value).toBeNull();
    session.value = beginAnswer({ ...session.value, model: LOADED_MODEL }, ASKED);
    expect(heads.step.value).toBeNull();
  });

  it('says what went wrong, and nothing of what somebody cancelled', async () => {
    let code = 'gpu/device-lost';
    const { heads, stops } = setUp(() => Promise.reject({ code, message: 'gone' }));
    await heads.fetch();
    expect([heads.error.value?.code, heads.busy.value]).toEqual(['gpu/device-lost', false]);
    code = 'engine/cancelled';
    const under = heads.fetch();
    expect(heads.busy.value).toBe(true);
    heads.cancel();
    await under;
    expect([heads.error.value, stops(), heads.shown.value]).toEqual([null, 1, null]);
  });
});

it('counts layers and heads from 1', () => {
  expect(partWords({ layer: 1, head: null })).toBe('layer 2, all heads');
  expect(partWords({ layer: null, head: 0 })).toBe('all layers, head 1');
});
