// The presets against the engine's own check of settings, and against the recipe they come from.
import { describe, expect, it } from 'vitest';
import { planProblems } from '../../src/settings/train_plan';
import { PRESET_IDS } from '../../src/settings/train_presets';
import { PRESETS } from '../../src/state/train_presets';

describe('PRESETS', () => {
  it('are accepted by the trainers as they are', () => {
    for (const id of PRESET_IDS) expect(planProblems(PRESETS[id]), id).toEqual([]);
  });

  it('keep the recipe of pocket', () => {
    const { 'sft-full': sft, 'grpo-full': grpo } = PRESETS;
    expect([sft.maxSteps, sft.sft.batchSize, sft.optim.learningRate]).toEqual([90, 32, 2e-3]);
    expect([sft.optim.lrSchedulerType, sft.optim.warmupSteps]).toEqual(['linear', 10]);
    expect([grpo.maxSteps, grpo.grpo.promptsPerStep, grpo.grpo.numGenerations]).toEqual([100, 16, 8]);
    expect([grpo.optim.learningRate, grpo.optim.lrSchedulerType, grpo.optim.adamBeta2]).toEqual([
      1e-3,
      'constant',
      0.95,
    ]);
    expect(grpo.grpo.rewardWeights).toEqual({
      accuracy: 1,
      format: 0.1,
      format_paper: 0,
      length: 0,
      visual_anchor: 0,
      visual_dependence: 0,
      custom: 0,
    });
    expect(grpo.grpo.dropUniformGroups).toBe('accuracy');
  });
});
