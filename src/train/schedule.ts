// Computes learning rates by step: linear warm-up, then constant, linear or cosine decay. The rate depends on the
// step alone, so a resumed run goes on as an unbroken one.

import type { OptimSettings } from '../settings/train_settings';

/** Settings of {@link learningRateAt}. */
export interface ScheduleSettings
  extends Pick<OptimSettings, 'learningRate' | 'lrSchedulerType' | 'warmupSteps'> {
  readonly maxSteps: number;
}

/**
 * The learning rate of optimiser step `step`, counted from 0.
 * @source transformers `optimization.py`: get_constant/linear/cosine_schedule_with_warmup
 */
export function learningRateAt(step: number, settings: ScheduleSettings): number {
  const { learningRate, lrSchedulerType, warmupSteps, maxSteps } = settings;
  if (step < warmupSteps) return (learningRate * step) / Math.max(1, warmupSteps);
  if (lrSchedulerType === 'constant') return learningRate;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, maxSteps - warmupSteps));
  if (lrSchedulerType === 'linear') return learningRate * (1 - progress);
  return learningRate * 0.5 * (1 + Math.cos(Math.PI * progress));
}
