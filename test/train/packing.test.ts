// Packed completions: what each row sees, its position, and which rows are supervised.

import { beforeAll, describe, expect, it } from 'vitest';
import { parseModelConfig } from '../../src/model/config';
import type { ModelSpec } from '../../src/model/spec';
import { IGNORED_LABEL, packCompletions, packLabelled } from '../../src/train/packing';
import { loadFixtureJson } from '../harness/fixture';

let config: ModelSpec;
beforeAll(async () => {
  config = parseModelConfig(await loadFixtureJson('tiny-qwen2_5_vl/config.json'));
});

const PROMPT = { inputIds: [1, 10, 11], images: [] };

describe('packCompletions', () => {
  it('shares the prefix and repeats the last prompt token for each completion', () => {
    const packed = packCompletions(
      [
        {
          prompt: PROMPT,
          completions: [
            [20, 21, 2],
            [30, 2],
          ],
        },
      ],
      config,
    );
    expect(packed).toMatchObject({ tokens: 7, rows: 5 });
    const inputs = packed.inputs(8, 6);
    expect([...inputs.ids!]).toEqual([1, 10, 11, 20, 21, 11, 30, 0]);
    expect([...inputs.labels!]).toEqual([20, 21, 2, 30, 2, IGNORED_LABEL]);
    expect([...inputs.rows!]).toEqual([2, 3, 4, 5, 6, 0xffffffff]);
    const ranges = Array.from({ length: 8 }, (_, row) => [...inputs.ranges!.subarray(4 * row, 4 * row + 4)]);
    expect(ranges).toEqual([
      [0, 0, 0, 1],
      [0, 0, 0, 2],
      [0, 2, 2, 3],
      [0, 2, 2, 4],
      [0, 2, 2, 5],
      [0, 2, 5, 6],
      [0, 2, 5, 7],
      [0, 0, 0, 0],
    ]);
    // Row 5 repeats row 2 at the same position; both completions continue from there.
    const half = config.text.headDim / 2;
    const angles = (row: number) => [...inputs.cos!.subarray(row * half, (row + 1) * half)];
    expect(angles(5)).toEqual(angles(2));
    expect(angles(6)).toEqual(angles(3));
    expect(angles(4)).not.toEqual(angles(3));
  });

  it('numbers image features over all groups', () => {
    const image = { gridThw: [1, 2, 4] as const, pixelValues: new Float32Array(8 * 96) };
    const prompt = { inputIds: [149, 151, 151, 150, 9], images: [image] };
    const inputs = packCompletions(
      [
        { prompt, completions: [[2]] },
        { prompt, completions: [[3]] },
      ],
      config,
    ).inputs(10, 2);
    expect([...inputs.image_rows!]).toEqual([-1, 0, 1, -1, -1, -1, 2, 3, -1, -1]);
  });

  it('refuses empty groups, and sizes that are too small', () => {
    expect(() => packCompletions([{ prompt: PROMPT, completions: [] }], config)).toThrow(
      /Group 0 has no completion/,
    );
    expect(() => packCompletions([{ prompt: PROMPT, completions: [[]] }], config)).toThrow(/or an empty one/);
    const packed = packCompletions([{ prompt: PROMPT, completions: [[2, 3]] }], config);
    expect(() => packed.inputs(3, 2)).toThrow(/do not fit 3 and 2/);
  });
});

describe('packLabelled', () => {
  it('supervises tokens before, in and after an image, each from the row before it', () => {
    const image = { gridThw: [1, 2, 4] as const, pixelValues: new Float32Array(8 * 96) };
    const prompt = { inputIds: [5, 6, 149, 151, 151, 150, 9], images: [image] };
    const labels = [5, 6, IGNORED_LABEL, IGNORED_LABEL, 151, IGNORED_LABEL, 9];
    const packed = packLabelled(
      [
        { prompt, labels },
        { prompt: PROMPT, labels: [IGNORED_LABEL, IGNORED_LABEL, 11] },
      ],
      config,
    );
    expect(packed).toMatchObject({ tokens: 10, rows: 4 });
    const inputs = packed.inputs(11, 5);
    expect([...inputs.ids!]).toEqual([...prompt.inputIds, ...PROMPT.inputIds, 0]);
    // No row predicts a sequence's first token.
    expect([...inputs.rows!]).toEqual([0, 3, 5, 8, 0xffffffff]);
    expect([...inputs.labels!]).toEqual([6, 151, 9, 11, IGNORED_LABEL]);
    expect([...inputs.image_rows!]).toEqual([-1, -1, -1, 0, 1, -1, -1, -1, -1, -1, -1]);
    expect([...inputs.ranges!.subarray(4 * 9, 4 * 10)]).toEqual([0, 0, 7, 10]);
  });

  it('refuses labels that do not match the tokens', () => {
    expect(() => packLabelled([{ prompt: PROMPT, labels: [1] }], config)).toThrow(/1 labels for 3 tokens/);
  });
});
