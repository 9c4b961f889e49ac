// Settings of an answer: what cannot be used is named and stays as typed; only a mode that the model lacks is replaced.
import { describe, expect, it } from 'vitest';
import {
  answerSetting,
  DEFAULT_SETTINGS,
  FIXED_SETTINGS,
  modeFor,
  settingProblem,
  settingsUsable,
} from '../../src/state/settings';
import { LOADED_MODEL } from './engine_script';

describe('DEFAULT_SETTINGS', () => {
  it('can be used with and without a model, and with the others make a whole request', () => {
    expect(settingsUsable(DEFAULT_SETTINGS, null)).toBe(true);
    expect(settingsUsable(DEFAULT_SETTINGS, LOADED_MODEL)).toBe(true);
    expect({ ...DEFAULT_SETTINGS, ...FIXED_SETTINGS }).toEqual({
      ...{ mode: 'solution', temperature: 0, seed: 0, maxNewTokens: null, maxImageTokens: 1024 },
      ...{ topP: 1, topK: 0, repetitionPenalty: 1 },
    });
  });
});

describe('settingProblem', () => {
  it.each([
    ['temperature', 2.1, 'a number from 0 to 2'],
    ['temperature', Number.NaN, 'a number from 0 to 2'],
    ['temperature', 2, null],
    ['seed', 2 ** 32, 'a whole number from 0 to 4294967295'],
    ['seed', 0.5, 'a whole number from 0 to 4294967295'],
    ['maxNewTokens', 0, 'a whole number from 1 to 100'],
    ['maxNewTokens', 101, 'a whole number from 1 to 100'],
    ['maxNewTokens', 100, null],
    ['maxNewTokens', null, null],
  ] as const)('of %s %s', (id, value, must) => {
    const settings = { ...DEFAULT_SETTINGS, [id]: value };
    expect(settingProblem(id, settings, LOADED_MODEL)).toBe(must);
    expect(settingsUsable(settings, LOADED_MODEL)).toBe(must === null);
  });

  it('knows no limit of length before a model is loaded', () => {
    expect(settingProblem('maxNewTokens', { ...DEFAULT_SETTINGS, maxNewTokens: 5000 }, null)).toBeNull();
    expect(answerSetting('maxNewTokens', LOADED_MODEL).max).toBe(100);
  });
});

describe('modeFor', () => {
  it('takes the first mode of a model that lacks the one that was chosen', () => {
    expect(modeFor({ ...DEFAULT_SETTINGS, mode: 'semantic' }, LOADED_MODEL).mode).toBe('plain');
    expect(modeFor(DEFAULT_SETTINGS, LOADED_MODEL)).toBe(DEFAULT_SETTINGS);
    expect(modeFor({ ...DEFAULT_SETTINGS, mode: 'semantic' }, null).mode).toBe('semantic');
  });
});
