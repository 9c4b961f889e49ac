// Settings stay in range whatever is typed.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, fitSettings } from '../../src/state/settings';
import { LOADED_MODEL } from './engine_script';

describe('fitSettings', () => {
  it('keeps what is in range', () => {
    const settings = { mode: 'plain', temperature: 0.7, seed: 5, maxNewTokens: 20 } as const;
    expect(fitSettings(settings, LOADED_MODEL)).toEqual(settings);
  });

  it('replaces a mode that the model lacks, and caps the length at the model’s', () => {
    const fitted = fitSettings({ ...DEFAULT_SETTINGS, mode: 'semantic', maxNewTokens: 5000 }, LOADED_MODEL);
    expect(fitted.mode).toBe('plain');
    expect(fitted.maxNewTokens).toBe(100);
  });

  it('turns any number into a usable one', () => {
    const number = fc.double();
    fc.assert(
      fc.property(number, number, number, (temperature, seed, maxNewTokens) => {
        const fitted = fitSettings({ mode: 'plain', temperature, seed, maxNewTokens }, LOADED_MODEL);
        expect(fitted.temperature).toBeGreaterThanOrEqual(0);
        expect(fitted.temperature).toBeLessThanOrEqual(2);
        expect(fitted.seed >>> 0).toBe(fitted.seed);
        expect(fitted.maxNewTokens).toBeGreaterThanOrEqual(1);
        expect(fitted.maxNewTokens).toBeLessThanOrEqual(100);
        expect(Number.isInteger(fitted.maxNewTokens)).toBe(true);
      }),
    );
  });
});
