// Traces of comparisons: both answers come back with their figures, either kind of file is known by itself, and hostile files
// are refused by field.
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { readAnswer } from '../../src/answer/answer_reading';
import { attentionPhases } from '../../src/answer/attention_phases';
import { TokenSpanMap } from '../../src/answer/token_spans';
import { type Comparison, compareColumns, readSide } from '../../src/state/compare';
import { type Answer, beginAnswer, EMPTY_SESSION, reduceSession } from '../../src/state/session';
import { writeTrace } from '../../src/state/trace';
import { readTraceOrPair, writeTracePair } from '../../src/state/trace_pair';
import { ASKED, attention, finished, PROMPT, script, token } from './engine_script';

const PIXELS = encode({ width: 2, height: 1, data: new Uint8Array(6), channels: 3 });
const PICTURE = { name: 'two.png', blob: new Blob([new Uint8Array(PIXELS)], { type: 'image/png' }) };

/** The answer with its phases as the engine works them out. */
function withPhases(answer: Answer): Answer {
  const spans = new TokenSpanMap();
  for (const { text } of answer.steps) spans.push(text);
  const phases = attentionPhases({
    reading: readAnswer(answer.text),
    imageShares: answer.steps.map(({ shares }) => shares?.image ?? null),
    tokenSpan: (start, end) => spans.innerRangeOf(answer.text, start, end),
  });
  return { ...answer, result: answer.result && { ...answer.result, phases } };
}

const asked = { ...ASKED, expected: '1' };
const ADAPTER = withPhases(
  reduceSession(beginAnswer(EMPTY_SESSION, asked, 'Looks'), script()).answer as Answer,
);
const PLAIN = ['so', ' \\boxed{', '2', '}'];
const BASE = withPhases(
  reduceSession(beginAnswer(EMPTY_SESSION, asked), [
    { type: 'promptReady', prompt: PROMPT },
    ...PLAIN.flatMap((text, step) => [token(step, text), attention(step, 0.1 * (step + 1))]),
    finished(PLAIN.join('')),
  ]).answer as Answer,
);
const choice = { id: 'a', name: 'Looks', strength: 0.8 };
const PAIR: Comparison = { choice, base: BASE, adapter: ADAPTER, shown: 'base' };

const fileOf = async () =>
  JSON.parse(await (await writeTracePair(PAIR, [PICTURE])).text()) as Record<string, object>;
const read = (file: unknown) => readTraceOrPair(new Blob([JSON.stringify(file)]), 'pair.trace.json');

describe('the trace of a comparison', () => {
  it('brings back both answers, their verdicts, the chart and its figures', async () => {
    const { comparison, pictures, answer } = await read(await fileOf());
    expect(comparison?.choice).toEqual({ id: '', name: 'Looks', strength: 0.8 });
    expect([answer, comparison?.shown]).toEqual([comparison?.adapter, 'adapter']);
    expect(pictures.map(({ name }) => name)).toEqual(['two.png']);
    for (const [before, after] of [
      [BASE, comparison?.base],
      [ADAPTER, comparison?.adapter],
    ]) {
      expect(after?.text).toBe(before?.text);
      const { back, lateThink } = readSide(before as Answer);
      const own = readSide(after as Answer);
      // Shares are kept to five digits.
      if (back === null) expect(own.back).toBeNull();
      else expect(own.back).toBeCloseTo(back, 4);
      if (lateThink === null) expect(own.lateThink).toBeNull();
      else expect(own.lateThink).toBeCloseTo(lateThink, 4);
    }
    const sides = [comparison?.base, comparison?.adapter].map((one) => one && readSide(one));
    expect(sides.map((side) => side?.boxed)).toEqual(['2', '1']);
    expect(sides.map((side) => side?.right)).toEqual([false, true]);
    const close = (columns: ReturnType<typeof compareColumns>) =>
      columns.map((column) => column.map((value) => value && Number(value.toFixed(4))));
    expect(close(compareColumns(comparison?.base ?? null, comparison?.adapter ?? null))).toEqual(
      close(compareColumns(BASE, ADAPTER)),
    );
  });

  it('is told from a trace by what the file says', async () => {
    const single = JSON.parse(await (await writeTrace({ answer: ADAPTER, pictures: [PICTURE] })).text());
    expect((await read(single)).comparison).toBeNull();
  });

  it('keeps the pictures once', async () => {
    const { base, adapter } = await fileOf();
    expect([Object.hasOwn(base as object, 'pictures'), Object.hasOwn(adapter as object, 'pictures')]).toEqual(
      [true, false],
    );
  });

  it('is refused by file and field', async () => {
    const file = await fileOf();
    const refused: [object, RegExp][] = [
      [{ ...file, version: 2 }, /version/],
      [{ ...file, choice: { name: 'x', strength: 9 } }, /strength/],
      [{ ...file, base: null }, /base/],
      [{ ...file, adapter: 'x' }, /adapter/],
      [{ ...file, adapter: { ...file.adapter, question: 'Another?' } }, /question of "base"/],
      [{ ...file, adapter: { ...file.adapter, tokens: 3 } }, /pair\.trace\.json, adapter.*tokens/],
    ];
    for (const [bad, why] of refused) await expect(read(bad)).rejects.toThrow(why);
    await expect(writeTracePair({ ...PAIR, adapter: null }, [PICTURE])).rejects.toThrow(
      'two finished answers',
    );
  });
});
