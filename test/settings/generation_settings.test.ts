// The table of an answer's settings: defaults, and the lines of its ranges.
import { describe, expect, it } from 'vitest';
import {
  ADAPTER_SETTINGS,
  GENERATION_SETTINGS,
  type GenerationSettingId,
} from '../../src/settings/generation_settings';
import { defaultsOf } from '../../src/settings/read_settings';
import { faultOf } from '../../src/settings/setting';

describe('GENERATION_SETTINGS', () => {
  it('is greedy without penalties by default, as long as the model answers', () => {
    expect(defaultsOf(GENERATION_SETTINGS)).toEqual({
      ...{ mode: 'solution', temperature: 0, seed: 0, maxNewTokens: null, maxImageTokens: 1024 },
      ...{ topP: 1, topK: 0, repetitionPenalty: 1 },
    });
  });

  it.each<[GenerationSettingId, unknown[], unknown[]]>([
    ['mode', ['plain'], ['loud']],
    ['temperature', [0, 2], [-0.1, 2.1, Number.NaN]],
    ['seed', [0, 2 ** 32 - 1], [-1, 2 ** 32, 0.5]],
    ['maxNewTokens', [null, 1], [0, 1.5, '5']],
    ['topP', [0.1, 1], [0, 1.1]],
    ['topK', [0, 5], [-1, 0.5]],
    ['repetitionPenalty', [0.5, 2], [0, 101]],
  ])('draws the line of %s', (id, good, bad) => {
    for (const value of good) expect(faultOf(GENERATION_SETTINGS[id], value), `${value}`).toBeNull();
    for (const value of bad) expect(faultOf(GENERATION_SETTINGS[id], value), `${value}`).not.toBeNull();
  });
});

describe('ADAPTER_SETTINGS', () => {
  it('is an adapter as trained by default, and draws the line of its strength', () => {
    expect(defaultsOf(ADAPTER_SETTINGS)).toEqual({ strength: 1 });
    for (const good of [0, 0.05, 1.5]) expect(faultOf(ADAPTER_SETTINGS.strength, good), `${good}`).toBeNull();
    for (const bad of [-0.1, 1.6, Number.NaN, '1'])
      expect(faultOf(ADAPTER_SETTINGS.strength, bad), `${bad}`).not.toBeNull();
  });
});
