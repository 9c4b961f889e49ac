// Where the problems of a cold start come from: the world's training split by seed, or rows.
import { describe, expect, it } from 'vitest';
import { rowProblem, worldPixels, worldProblem } from '../../../src/lookback/cold_start/problem_source';

const png = async () => new Blob(['png'], { type: 'image/png' });

describe('worldProblem', () => {
  const settings = { seed: 4, textShare: 0, pictures: 'both' } as const;

  it('is decided by seed and number, and knows its sample', async () => {
    const problem = worldProblem(settings, 2, png);
    expect(problem).toMatchObject({ id: 'train-4-2', visual: true });
    expect(problem.answer).toBe(problem.sample?.().answer);
    expect(await problem.pixels()).toEqual(worldPixels(problem.sample!()));
    expect(worldProblem(settings, 2, png).question).toBe(problem.question);
    expect((await problem.file()).type).toBe('image/png');
  });

  it.each([
    ['sheets', ['sheet']],
    ['photographs', ['photograph']],
    ['both', ['photograph', 'sheet']],
  ] as const)('draws %s', (pictures, kinds) => {
    const drawn = Array.from({ length: 12 }, (_, index) =>
      worldProblem({ ...settings, pictures }, index, png).sample?.(),
    );
    expect([...new Set(drawn.map((sample) => sample?.picture.kind))].sort()).toEqual(kinds);
  });

  it('marks questions that the picture does not help with', () => {
    expect(worldProblem({ ...settings, textShare: 1 }, 0, png).visual).toBe(false);
  });
});

describe('rowProblem', () => {
  it('has no oracle', () => {
    const pixels = async () => ({ width: 1, height: 1, channels: 3 as const, data: new Uint8Array(3) });
    const row = { question: 'How many?', answer: '3', kind: null, pixels, file: png };
    expect(rowProblem(row, 7)).toEqual({ ...row, id: 'row-7', visual: true, sample: null });
  });
});
