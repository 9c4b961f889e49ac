// Traces: an answer comes back from its file as it was, and files that are damaged or hostile are refused by field.

import fc from 'fast-check';
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/lib/errors';
import { type Answer, beginAnswer, EMPTY_SESSION, reduceSession } from '../../src/state/session';
import { readTrace, writeTrace } from '../../src/state/trace';
import { ASKED, script } from './engine_script';

const WHOLE = reduceSession(beginAnswer(EMPTY_SESSION, ASKED, 'An adapter'), script()).answer as Answer;
const PIXELS = encode({ width: 2, height: 1, data: new Uint8Array(6), channels: 3 });
const PICTURE = { name: 'two.png', blob: new Blob([new Uint8Array(PIXELS)], { type: 'image/png' }) };

async function fileOf(answer: Answer = WHOLE): Promise<Record<string, unknown>> {
  return JSON.parse(await (await writeTrace({ answer, pictures: [PICTURE] })).text());
}

function read(file: unknown) {
  return readTrace(new Blob([typeof file === 'string' ? file : JSON.stringify(file)]), 'a.trace.json');
}

describe('a trace', () => {
  it('brings back text, segments, shares, maps, picture and verdict', async () => {
    const { answer, pictures } = await read(await fileOf());
    expect(answer.text).toBe(WHOLE.text);
    expect(answer.segments.map(({ kind, start, end }) => [kind, start, end])).toEqual(
      WHOLE.segments.map(({ kind, start, end }) => [kind, start, end]),
    );
    expect(answer.result?.answer).toBe('1');
    expect([answer.recorded, answer.status, answer.modelLabel]).toEqual([true, 'finished', WHOLE.modelLabel]);
    expect(answer.prompt).toEqual(WHOLE.prompt);
    expect(new Uint8Array(await (pictures[0] as { blob: Blob }).blob.arrayBuffer())).toEqual(
      new Uint8Array(PIXELS),
    );
    answer.steps.forEach((step, i) => {
      const before = WHOLE.steps[i];
      expect(step.shares === null).toBe(before?.shares === null);
      expect(step.shares?.image ?? 0).toBeCloseTo(before?.shares?.image ?? 0, 4);
      const top = Math.max(...(before?.map ?? [0]));
      // 16 bits of the map's own largest value.
      step.map?.forEach((value, cell) => {
        expect(Math.abs(value - (before?.map?.[cell] ?? Number.NaN))).toBeLessThanOrEqual(
          top / 131_070 + 1e-9,
        );
      });
    });
  });

  it('grades by itself: a file cannot call a wrong answer right', async () => {
    const file = await fileOf();
    const right = await read({ ...file, truth: null, expected: '1' });
    expect(right.answer.result?.verdict?.equal).toBe(true);
    const wrong = await read({
      ...file,
      truth: null,
      expected: 'nothing of the kind',
      verdict: { equal: true },
    });
    expect(wrong.answer.result?.verdict?.equal).toBe(false);
  });

  it('is not written of an answer that is not finished', async () => {
    await expect(writeTrace({ answer: { ...WHOLE, result: null }, pictures: [PICTURE] })).rejects.toThrow(
      /finished/,
    );
  });

  it.each([
    ['not JSON', 'hello', /not JSON/],
    ['another file', { a: 1 }, /no trace/],
    ['a later version', { version: 2 }, /version/],
    [
      'a picture of a kind that can hold scripts',
      { pictures: [{ name: 'a', type: 'image/svg+xml', data: '' }] },
      /pictures\[0\]\.type/,
    ],
    ['no tokens', { tokens: 7 }, /tokens/],
    [
      'shares above one',
      { tokens: [{ id: 1, text: 'a', at: 0, shares: [1, 1, 1], map: null }] },
      /tokens\[0\]\.shares/,
    ],
    [
      'a map of another size',
      { tokens: [{ id: 1, text: 'a', at: 0, shares: [0, 0, 0], map: { top: 1, values: 'AAA=' } }] },
      /tokens\[0\]\.map\.values/,
    ],
    ['a mode that is none', { mode: 'constructor' }, /mode/],
    ['a huge grid', { prompt: { pictures: [{ grid: [16_384, 2] }] } }, /prompt\.pictures\[0\]\.grid/],
    ['no statistics', { stats: null }, /stats/],
  ])('refuses %s', async (_, change, message) => {
    const file =
      typeof change === 'string' ? change : 'a' in change ? change : { ...(await fileOf()), ...change };
    const failed = await read(file).catch((thrown: unknown) => thrown);
    expect(failed).toBeInstanceOf(DataError);
    expect((failed as DataError).code).toBe('data/trace');
    expect((failed as DataError).message).toMatch(message);
  });

  it('ends in a trace or in its own error, whatever one value is replaced by', async () => {
    const file = await fileOf();
    const keys = Object.keys(file);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...keys), fc.jsonValue(), async (key, value) => {
        const outcome = await read({ ...file, [key]: value }).catch((thrown: unknown) => thrown);
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(DataError);
      }),
      { numRuns: 300 },
    );
  });
});
