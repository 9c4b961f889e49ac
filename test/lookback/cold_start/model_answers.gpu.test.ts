// What is sampled for a cold start: by seed and number alone, and from a forced start on.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IMAGE_SIDE } from '../../../src/data/world/grid';
import { drawSample } from '../../../src/data/world/world_sample';
import { continued, forcedStart } from '../../../src/lookback/cold_start/insertion';
import { ModelAnswers } from '../../../src/lookback/cold_start/model_answers';
import { Reasoner } from '../../../src/lookback/reasoner';
import { testGpu } from '../../harness/gpu';
import { pocketFiles } from '../../harness/pocket';

const SAMPLING = { count: 2, temperature: 1, maxNewTokens: 80, seed: 5 };

describe('ModelAnswers', () => {
  let reasoner: Reasoner;
  beforeAll(async () => {
    reasoner = await Reasoner.load(await testGpu(), pocketFiles('pocket'));
  });
  afterAll(() => reasoner.destroy());

  const prompt = (index: number, start = '') => {
    const sample = drawSample({ split: 'test', seed: 1, index });
    const image = { width: IMAGE_SIDE, height: IMAGE_SIDE, channels: 3, data: sample.image() };
    return { prepared: reasoner.prepare({ image, text: sample.text, mode: 'solution' }), start };
  };

  it('are decided by the seed and the number of the first problem, and go on from a forced start', async () => {
    const opening = '<think> i see 0 red squares. </think>';
    const start = forcedStart(opening);
    const first = new ModelAnswers(reasoner);
    const one = await first.wave([prompt(0)], SAMPLING, {});
    const two = await first.wave([prompt(1, start)], SAMPLING, {});
    first.destroy();
    const later = new ModelAnswers(reasoner, 1);
    expect(await later.wave([prompt(1, start)], SAMPLING, {})).toEqual(two);
    later.destroy();

    expect(one[0]?.every((text) => text.startsWith('<think>'))).toBe(true);
    expect(two[0]?.length).toBeGreaterThan(0);
    for (const text of two[0] ?? []) {
      // The model closes the look that was opened for it; the opening is not said again.
      expect(text).not.toContain('<back>');
      expect(text).toContain('</back>');
      expect(continued(start, text)).toMatch(/^<think> i see 0 red squares\. <\/think> <back> .*<\/back>/s);
    }
  });
});
