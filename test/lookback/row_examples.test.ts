// Rows as examples: what is left out and told, what is kept and for how long, and aborts.

import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/lib/errors';
import {
  heldOutRows,
  labelledRows,
  leftOutMessage,
  PreparedRows,
  promptRows,
  type RowSource,
  type TrainingRow,
} from '../../src/lookback/row_examples';
import type { PromptExample } from '../../src/train/trainer';

const IMAGE = { width: 1, height: 1, channels: 3, data: new Uint8Array(3) } as const;

/** Rows whose question says how many tokens their prompt has; a response is one token per character. */
function rowsOf(given: readonly (readonly [tokens: number, response: string | null])[], room?: number) {
  const reads: number[] = [];
  const source: RowSource = {
    count: given.length,
    read: async (position): Promise<TrainingRow> => {
      reads.push(position);
      const [tokens, response] = given[position]!;
      if (tokens < 0) throw new DataError('data/image', 'cut off');
      return { image: IMAGE, question: String(tokens), answer: 'a', response };
    },
  };
  const prepare = ({ question }: TrainingRow, key: number): PromptExample => {
    const inputIds = Array<number>(Number(question)).fill(1);
    const images = [{ gridThw: [1, 1, 1] as const, pixelValues: new Float32Array(25) }];
    return { key, prompt: { inputIds, images }, imageTokens: 1, question, expected: 'a', kind: 'row' };
  };
  return { rows: new PreparedRows(source, prepare, room), reads };
}

const encode = (response: string): number[] => Array<number>(response.length).fill(7);

describe('labelledRows', () => {
  it('leaves out and counts what has no response or is too long', async () => {
    const { rows } = rowsOf([
      [4, 'ab'],
      [4, null],
      [-1, 'ab'],
      [4, 'abc'],
      [6, ''],
      [7, ''],
      [1, null],
    ]);
    const phases: (number | null)[] = [];
    const onPhase = (_: string, fraction: number | null): number => phases.push(fraction);
    const { source, leftOut } = await labelledRows(rows, { maxLength: 6, encode }, { onPhase });
    expect(source.count).toBe(2);
    expect(await source.read(0)).toMatchObject({ key: 0, completion: [7, 7] });
    expect(await source.read(1)).toMatchObject({ key: 4, completion: [] });
    await expect(source.read(2)).rejects.toMatchObject({ code: 'data/row' });
    expect(leftOut).toEqual({ rows: 7, unreadable: 1, withoutResponse: 2, tooLong: 2, maxLength: 6 });
    expect(phases).toEqual([0]);
    expect(leftOutMessage(leftOut)).toBe(
      '5 of the 7 rows are left out of this run: 1 with a picture that cannot be used, 2 without a response, 2 longer than 6 tokens.',
    );
    expect(leftOutMessage({ ...leftOut, unreadable: 0, withoutResponse: 0, tooLong: 0 })).toBeNull();
  });

  it('refuses a set without any', async () => {
    const { rows } = rowsOf([[9, 'a']]);
    await expect(labelledRows(rows, { maxLength: 6, encode }, {})).rejects.toMatchObject({
      code: 'data/dataset',
      data: { withoutResponse: 0, tooLong: 1 },
    });
  });

  it('stops when aborted', async () => {
    const { rows, reads } = rowsOf([
      [1, 'a'],
      [1, 'a'],
      [1, 'a'],
    ]);
    const stop = new AbortController();
    const reason = new Error('enough');
    const ending = (response: string): number[] => {
      stop.abort(reason);
      return encode(response);
    };
    const reading = labelledRows(rows, { maxLength: 6, encode: ending }, { signal: stop.signal });
    await expect(reading).rejects.toBe(reason);
    expect(reads).toEqual([0]);
  });
});

describe('promptRows', () => {
  it('goes on past pictures that cannot be used and prompts that leave no room', async () => {
    const { rows } = rowsOf([
      [-1, null],
      [4, null],
      [9, null],
      [6, 'a'],
    ]);
    const { source, leftOut } = await promptRows(rows, 6, {});
    expect(source.count).toBe(2);
    expect([(await source.read(0)).key, (await source.read(1)).key]).toEqual([1, 3]);
    expect(leftOut).toEqual({ rows: 4, unreadable: 1, withoutResponse: 0, tooLong: 1, maxLength: 6 });
  });

  it('says why there is none', async () => {
    await expect(promptRows(rowsOf([[-1, null]]).rows, 6, {})).rejects.toMatchObject({
      code: 'data/dataset',
    });
    await expect(promptRows(rowsOf([[9, null]]).rows, 6, {})).rejects.toMatchObject({
      code: 'data/prompt-length',
    });
  });

  it('lets errors of other kinds end the reading', async () => {
    const lost = new Error('device lost');
    const source: RowSource = { count: 1, read: () => Promise.reject(lost) };
    const rows = new PreparedRows(source, () => Promise.reject(lost) as never);
    await expect(promptRows(rows, 6, {})).rejects.toBe(lost);
  });
});

describe('PreparedRows', () => {
  const three = [
    [1, 'a'],
    [2, 'b'],
    [3, null],
  ] as const;

  it('keeps a row’s picture as one object, so that its features are found again', async () => {
    const { rows, reads } = rowsOf(three);
    const [one, twin] = await Promise.all([rows.read(1), rows.read(1)]);
    expect(twin.example.prompt.images[0]).toBe(one.example.prompt.images[0]);
    expect(await rows.read(1)).toBe(one);
    expect(reads.length).toBeLessThanOrEqual(2);
  });

  it('forgets the row used longest ago when its room is full', async () => {
    // 100 bytes a row.
    const { rows, reads } = rowsOf(three, 200);
    for (const position of [0, 1, 0, 2, 0]) await rows.read(position);
    expect(reads).toEqual([0, 1, 2]);
    await rows.read(1);
    expect(reads).toEqual([0, 1, 2, 1]);
  });

  it('reads a row that alone exceeds its room', async () => {
    const { rows } = rowsOf(three, 10);
    expect((await rows.read(2)).example.key).toBe(2);
    expect((await rows.read(0)).response).toBe('a');
    expect((await rows.read(2)).example.key).toBe(2);
  });
});

describe('heldOutRows', () => {
  const settings = { room: 6, maxLength: 7, encode };
  const given = [
    [4, 'ab'],
    [5, 'abc'],
    [6, null],
    [7, 'a'],
    [-1, 'a'],
  ] as const;

  it('asks every row with room for an answer, with its written answer where that fits', async () => {
    const { source, leftOut } = await heldOutRows(rowsOf(given).rows, settings, {});
    const found = await Promise.all([0, 1, 2].map((index) => source.read(index)));
    expect(source.count).toBe(3);
    expect(found.map(({ key, completion }) => [key, completion])).toEqual([
      [0, [7, 7]],
      [1, null],
      [2, null],
    ]);
    expect(leftOut).toMatchObject({ rows: 5, unreadable: 1, tooLong: 1 });
  });

  it('has no written answers where no loss is asked for', async () => {
    const { source } = await heldOutRows(rowsOf(given).rows, { ...settings, encode: null }, {});
    expect((await source.read(0)).completion).toBeNull();
  });
});
