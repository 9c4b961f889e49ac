// Prompts of a model folder without its weights, and how they are shown.
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { PAPER_PROMPTS } from '../../src/lookback/prompts';
import { cutsToSquare, loadPromptMaker, loadPrompts, promptText } from '../../src/lookback/question_prompt';
import { findModel } from '../../tools/model_source';

const image = { width: 84, height: 84, channels: 3 as const, data: new Uint8Array(84 * 84 * 3) };

describe('loadPromptMaker', () => {
  beforeEach(() => void vi.stubEnv('LOOKBACK_ROOT', process.cwd()));

  it('makes the prompt of a question and shows its picture as one token', async () => {
    const { files } = await findModel('pocket');
    const maker = await loadPromptMaker(files);
    expect(maker.modes).toContain('solution');
    const { prompt, imageTokens } = maker.prepare({ image, text: 'how many?', mode: 'solution' });
    const text = maker.text(prompt.inputIds);
    expect(text).toContain('how many? use back');
    expect(text.match(/<\|image_pad\|>/g)).toHaveLength(1);
    expect(prompt.inputIds.length).toBeGreaterThan(imageTokens);
    const told = maker.prepare({ image, text: 'how many?', system: 'count red circles', mode: 'solution' });
    expect(maker.text(told.prompt.inputIds)).toMatch(/count red circles <\|im_end\|>.*how many\? use back/s);
  });
});

describe('loadPrompts', () => {
  it('takes the paper’s where the folder has none', async () => {
    const empty = { name: 'empty', open: async () => null };
    expect(await loadPrompts(empty)).toBe(PAPER_PROMPTS);
    expect(cutsToSquare(PAPER_PROMPTS)).toBe(false);
    expect(cutsToSquare({ ...PAPER_PROMPTS, grid: 3 })).toBe(true);
  });
});

describe('promptText', () => {
  it('shortens runs of image tokens only', () => {
    const decode = (ids: readonly number[]) => ids.join(' ');
    expect(promptText({ decode }, 9, [1, 9, 9, 9, 2, 2, 9])).toBe('1 9 2 2 9');
  });
});
