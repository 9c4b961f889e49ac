// Trial allocations on a device of scripted size: what fits, what to change when it does not, and that nothing stays.
import { describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { ArgumentError, GpuError } from '../../../src/lib/errors';
import { estimateTraining, type MemoryPlanner } from '../../../src/services/training/training_estimate';
import type { TrainingPlan } from '../../../src/worker/protocol/training';
import { PLAN } from './training_script';

Object.assign(globalThis, { GPUBufferUsage: { STORAGE: 128 } });

/** A device that has room for so many bytes at once. */
function deviceOf(room: number, largest = room, binding = largest) {
  let [used, failed, alive, made] = [0, false, 0, 0];
  const device = {
    pushErrorScope: () => {
      failed = false;
    },
    createBuffer: ({ size }: { size: number }) => {
      used += size;
      alive++;
      made++;
      failed ||= used > room;
      return {
        destroy: () => {
          used -= size;
          alive--;
        },
      };
    },
    popErrorScope: async () => (failed ? { message: 'no room' } : null),
  };
  const traits = { maxBufferBytes: largest, maxBindingBytes: binding };
  return { gpu: { device, traits } as unknown as GpuContext, state: () => ({ alive, made }) };
}

/** Activations grow with the micro-batch, the cache with the group; checkpointing halves activations. */
const planner: MemoryPlanner = async ({
  tokensPerMicroBatch,
  gradientCheckpointing,
  method,
  grpo,
  evalSteps,
  evalBatchSize,
}: TrainingPlan) => ({
  parts: [
    { name: 'update', buffers: [tokensPerMicroBatch * (gradientCheckpointing ? 50 : 100)] },
    ...(method === 'grpo'
      ? [{ name: 'sampling', buffers: [grpo.promptsPerStep * grpo.numGenerations * 1000] }]
      : []),
    ...(evalSteps > 0 ? [{ name: 'evaluation', buffers: [evalBatchSize * 10_000] }] : []),
    { name: 'adapter and optimizer', buffers: [100, 100] },
  ],
  peak: [],
  programs: [],
  trainableParameters: 77,
});

const SFT: TrainingPlan = { ...PLAN, tokensPerMicroBatch: 1024, gradientCheckpointing: false };
const GRPO: TrainingPlan = { ...SFT, method: 'grpo' };

describe('estimateTraining', () => {
  it('names the parts of what fits, and frees them', async () => {
    const { gpu, state } = deviceOf(200_000);
    expect(await estimateTraining(gpu, SFT, planner)).toEqual({
      ...{ fits: true, bytes: 102_600, advice: null, trainableParameters: 77 },
      parts: [
        { name: 'update', bytes: 102_400 },
        { name: 'adapter and optimizer', bytes: 200 },
      ],
    });
    expect(state()).toEqual({ alive: 0, made: 3 });
  });

  it('lets an arena of many tensors exceed a binding, but not a buffer', async () => {
    const wide = deviceOf(200_000, 150_000, 1_000);
    expect(await estimateTraining(wide.gpu, SFT, planner)).toMatchObject({ fits: true, bytes: 102_600 });
    const narrow = deviceOf(200_000, 100_000, 1_000);
    expect(await estimateTraining(narrow.gpu, SFT, planner)).toMatchObject({ fits: false, bytes: 102_600 });
  });

  it.each([
    [60_000, SFT, /^Turn gradientCheckpointing on: then it takes .* and fits\.$/],
    [30_000, SFT, /^Turn gradientCheckpointing on, set tokensPerMicroBatch to 512:/],
    [30_000, { ...SFT, gradientCheckpointing: true }, /^Set tokensPerMicroBatch to 512:/],
    [
      100_000,
      { ...SFT, gradientCheckpointing: true, evalSteps: 5, evalSize: 20 },
      /^Set evalBatchSize to 4: then it takes .* and fits\.$/,
    ],
    [20_000, GRPO, /grpo\.promptsPerStep to 2:/],
    [6_000, GRPO, /grpo\.promptsPerStep to 1, grpo\.numGenerations to 2:/],
    [1_000, SFT, /sft\.maxLength or lora\.r/],
    [1_000, GRPO, /grpo\.maxCompletionLength or lora\.r/],
  ])('advises what was tried with room for %d bytes', async (room, plan, advice) => {
    const { gpu, state } = deviceOf(room);
    const estimate = await estimateTraining(gpu, plan, planner);
    expect(estimate).toMatchObject({ fits: false });
    expect(estimate.advice).toMatch(advice);
    expect(state().alive).toBe(0);
  });

  it('knows without trying that no buffer may be so large', async () => {
    const { gpu, state } = deviceOf(1e9, 60_000);
    const estimate = await estimateTraining(gpu, SFT, planner);
    expect(estimate.fits).toBe(false);
    expect(estimate.advice).toMatch(/gradientCheckpointing on:/);
    // Only the advice was allocated.
    expect(state()).toEqual({ alive: 0, made: 3 });
  });

  it('advises, too, when no kernel takes the batch', async () => {
    const { gpu } = deviceOf(60_000);
    const limited: MemoryPlanner = async (plan) => {
      if (plan.tokensPerMicroBatch > 256) throw new GpuError('gpu/limit', 'a grid too large');
      return planner(plan);
    };
    const estimate = await estimateTraining(gpu, SFT, limited);
    expect(estimate).toMatchObject({ fits: false, parts: [], bytes: 0 });
    expect(estimate.advice).toMatch(/computes at once\. Turn .*, set tokensPerMicroBatch to 256:/);
  });

  it('hands on what is wrong with the plan itself, not with a smaller one', async () => {
    const { gpu } = deviceOf(1000);
    const broken: MemoryPlanner = async () => {
      throw new ArgumentError('no');
    };
    await expect(estimateTraining(gpu, SFT, broken)).rejects.toThrow('no');
    const later: MemoryPlanner = async (plan) => (plan === SFT ? planner(plan) : broken(plan));
    expect((await estimateTraining(gpu, SFT, later)).advice).toMatch(/No smaller batch/);
  });
});
