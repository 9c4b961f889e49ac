// The table of an evaluation's settings: defaults, and the lines of its ranges.
import { describe, expect, it } from 'vitest';
import { EVALUATION_SETTINGS, type EvaluationSettings } from '../../src/settings/evaluation_settings';
import { defaultsOf } from '../../src/settings/read_settings';
import { faultOf } from '../../src/settings/setting';

describe('EVALUATION_SETTINGS', () => {
  it('asks 1000 questions, 64 at once, as long as the model answers', () => {
    expect(defaultsOf(EVALUATION_SETTINGS)).toEqual({
      ...{ mode: 'solution', count: 1000, seed: 999, batch: 64, maxNewTokens: null, grader: 'auto' },
      ...{ temperature: 0, samplingSeed: 0, look: 'own' },
    });
  });

  it.each<[keyof EvaluationSettings, unknown[], unknown[]]>([
    ['count', [1, 1_000_000], [0, 1.5]],
    ['seed', [0, 2 ** 32 - 1], [-1, 2 ** 32]],
    ['batch', [1, 4096], [0, 4097]],
    ['temperature', [0, 1, 2], [-0.1, 2.1]],
    ['samplingSeed', [0, 2 ** 32 - 1], [-1, 2 ** 32]],
  ])('draws the line of %s', (id, good, bad) => {
    for (const value of good) expect(faultOf(EVALUATION_SETTINGS[id], value), `${value}`).toBeNull();
    for (const value of bad) expect(faultOf(EVALUATION_SETTINGS[id], value), `${value}`).not.toBeNull();
  });
});
