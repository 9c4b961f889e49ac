// Prompts: the paper's words letter by letter, a model's own lookback.json, and what is refused.
import { describe, expect, it } from 'vitest';
import { BACK_TAGS, LOOK_TAGS } from '../../src/answer/look_tags';
import { askInMode, differingModes, PAPER_PROMPTS, parseLookBackPrompts } from '../../src/lookback/prompts';
import { REASONING_MODES } from '../../src/settings/reasoning_modes';
import { loadFixtureJson } from '../harness/fixture';

describe('the paper’s prompts', () => {
  it('are the published instructions, double space and capitals included', () => {
    const { semantic, solution, cot, plain } = PAPER_PROMPTS.modes;
    expect(semantic?.suffix).toBe(
      'You FIRST think about the reasoning process as an internal monologue and then provide the final answer. The reasoning process MUST BE enclosed within <think> </think> tags, and use <back> </back> to verify your reasoning against the image. The final answer MUST BE put in \\boxed{}, respectively, i.e., <think> reasoning process here </think> <back> verification process here </back> <think> continue reasoning </think> \\boxed{final answer}.',
    );
    expect(solution?.suffix).toBe(
      'You FIRST think about the reasoning process as an internal monologue and then provide the final answer. The reasoning process MUST BE enclosed within <think> </think> tags, and use <back> </back> to verify your reasoning solution against the image, and rethink it in the <think> </think> tags based on your thinking and verification content. The final answer MUST BE put in \\boxed{}, respectively, i.e., <think> reasoning process here </think> <back> verification process against the image here </back> <think> based on the thinking  and verification contents, rethinking here </think> \\boxed{final answer}.',
    );
    expect(cot?.suffix).toBe(
      'You FIRST think about the reasoning process as an internal monologue and then provide the final answer. The reasoning process MUST BE enclosed within <think> </think> tags. The final answer MUST BE put in \\boxed{}, respectively, i.e., <think> reasoning process here </think> \\boxed{final answer}.',
    );
    expect(plain?.suffix).toBe(
      'You FIRST think about the reasoning process as an internal monologue and then provide the final answer. The reasoning process MUST BE enclosed within <think> </think> tags. The final answer MUST BE put in \\boxed{}.',
    );
  });

  it('follow the question after one space', () => {
    const asked = askInMode(PAPER_PROMPTS, 'plain', '  How many?\n');
    expect(asked.text.startsWith('How many? You FIRST')).toBe(true);
    expect(asked.system).toBeUndefined();
  });
});

describe('lookback.json', () => {
  it('of pocket reads into modes, grid and limits', async () => {
    const json = await loadFixtureJson('/public/models/pocket/lookback.json');
    const prompts = parseLookBackPrompts(json);
    expect(Object.keys(prompts.modes)).toEqual([...REASONING_MODES]);
    expect(prompts.grid).toBe(4);
    expect(askInMode(prompts, 'solution', 'Count the circles. How many?').text).toBe(
      'Count the circles. How many? use back',
    );
    expect(askInMode(prompts, 'semantic', 'How many?').text).toBe('How many? use back midway');
    expect(askInMode(prompts, 'cot', 'Count the circles.').text).toBe('Count the circles.');
  });

  it('may replace the system message', () => {
    const prompts = parseLookBackPrompts({ modes: { cot: { suffix: 's', system: 'Think.' } } });
    expect(askInMode(prompts, 'cot', 'q')).toEqual({ text: 'q s', system: 'Think.' });
    expect(prompts.maxNewTokens).toBe(PAPER_PROMPTS.maxNewTokens);
  });

  it('leaves the system turn to the words of a row, and puts its own behind them', () => {
    const prompts = parseLookBackPrompts({
      modes: { plain: { suffix: '' }, cot: { suffix: '', system: 'Think, or <back>.' } },
    });
    expect(askInMode(prompts, 'plain', 'q', BACK_TAGS, ' Be brief.\n')).toEqual({
      text: 'q',
      system: 'Be brief.',
    });
    for (const blank of [' ', null, undefined])
      expect(askInMode(prompts, 'plain', 'q', BACK_TAGS, blank)).toEqual({ text: 'q' });
    // The words of a row stay what they are, whatever the look is called.
    expect(askInMode(prompts, 'cot', 'q', LOOK_TAGS.recheck, 'Say <back>.').system).toBe(
      'Say <back>.\n\nThink, or <recheck>.',
    );
  });

  it.each([
    ['a list', [], 'JSON object'],
    ['no modes', {}, 'modes'],
    ['no known mode', { modes: { other: { suffix: '' } } }, 'must hold one of'],
    ['a suffix that is no text', { modes: { cot: { suffix: 3 } } }, 'modes.cot.suffix'],
    ['a suffix without end', { modes: { cot: { suffix: 'x'.repeat(5000) } } }, 'longer than'],
    ['a grid of zero', { modes: { cot: { suffix: '' } }, grid: 0 }, 'grid'],
  ])('is refused with %s', (_, json, message) => {
    expect(() => parseLookBackPrompts(json)).toThrow(message);
  });

  it('offers of modes with the same words the first alone', () => {
    const modes = { plain: { suffix: '' }, cot: { suffix: '' }, solution: { suffix: 'use back' } };
    expect(differingModes(parseLookBackPrompts({ modes }))).toEqual(['plain', 'solution']);
    const system = { ...modes, cot: { suffix: '', system: 'Think.' } };
    expect(differingModes(parseLookBackPrompts({ modes: system }))).toEqual(['plain', 'cot', 'solution']);
    expect(differingModes(PAPER_PROMPTS)).toEqual(REASONING_MODES);
  });

  it('names the modes there are when one is missing', () => {
    const prompts = parseLookBackPrompts({ modes: { cot: { suffix: '' } } });
    expect(() => askInMode(prompts, 'semantic', 'q')).toThrow(/"semantic".*cot/);
  });
});
