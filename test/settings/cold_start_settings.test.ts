// The settings of a cold start: the paper's rollouts and reflection rate, and shares that are shares.
import { describe, expect, it } from 'vitest';
import { COLD_START_SETTINGS } from '../../src/settings/cold_start_settings';
import { defaultsOf } from '../../src/settings/read_settings';
import { faultOf } from '../../src/settings/setting';

describe('COLD_START_SETTINGS', () => {
  it('begins with 12 answers per question and a reflection rate between 30 and 50 per cent', () => {
    const { rollouts, reflectionRate } = defaultsOf(COLD_START_SETTINGS);
    expect(rollouts).toBe(12);
    expect(reflectionRate).toBeGreaterThanOrEqual(0.3);
    expect(reflectionRate).toBeLessThanOrEqual(0.5);
  });

  it.each(['hardShare', 'wrongFirstShare', 'reflectionRate', 'textShare'] as const)(
    '%s is a share',
    (name) => {
      const setting = COLD_START_SETTINGS[name];
      expect([0, 1, 1.01, -0.01].map((value) => faultOf(setting, value))).toEqual([
        null,
        null,
        'range',
        'range',
      ]);
    },
  );

  it('takes as many looks and examples as there are, or a number', () => {
    expect(faultOf(COLD_START_SETTINGS.looks, null)).toBeNull();
    expect(faultOf(COLD_START_SETTINGS.examples, 0)).toBe('range');
  });
});
