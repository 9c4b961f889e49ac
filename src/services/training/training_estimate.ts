// Tries whether a plan fits the device: makes its planned buffers in an error scope and frees them again; if they do
// not fit, it names the first setting that makes them fit, after having tried that, too.

import type { GpuContext } from '../../gpu/device';
import { allocates } from '../../gpu/trial_allocation';
import { GpuError, LookBackError } from '../../lib/errors';
import { formatBytes } from '../../lib/format';
import { evaluatesHeldOut } from '../../settings/held_out_settings';
import { readerOf } from '../../settings/read_settings';
import type { TrainingEstimate, TrainingPlan } from '../../worker/protocol/training';
import type { MemoryPart, MemoryPlan } from './training_memory';

/** Plans the memory of a plan; rejects where the run would. */
export type MemoryPlanner = (plan: TrainingPlan) => Promise<MemoryPlan>;

/** A change that needs less memory. */
interface Candidate {
  readonly plan: TrainingPlan;
  readonly words: string;
}

/**
 * Estimates a plan.
 * @throws ArgumentError and the like when the plan itself cannot be run
 */
export async function estimateTraining(
  gpu: GpuContext,
  plan: TrainingPlan,
  planner: MemoryPlanner,
): Promise<TrainingEstimate> {
  const planned = await plannedOrTooLarge(planner, plan);
  if (planned === null) {
    // There is no figure to give: the device computes no batch of this size, whatever its memory.
    const advice = `One batch is larger than this device computes at once. ${await adviceFor(gpu, plan, planner)}`;
    return { fits: false, bytes: 0, parts: [], advice, trainableParameters: 0 };
  }
  const { parts, trainableParameters } = planned;
  const fits = await allocates(gpu, sizesOf(parts));
  const named = parts.map(({ name, buffers }) => ({ name, bytes: total(buffers) }));
  const bytes = total(named.map((part) => part.bytes));
  const advice = fits ? null : await adviceFor(gpu, plan, planner);
  return { fits, bytes, parts: named, advice, trainableParameters };
}

/** Null where a kernel's limits are passed. */
async function plannedOrTooLarge(planner: MemoryPlanner, plan: TrainingPlan): Promise<MemoryPlan | null> {
  try {
    return await planner(plan);
  } catch (error) {
    if (error instanceof GpuError && error.code === 'gpu/limit') return null;
    throw error;
  }
}

async function adviceFor(gpu: GpuContext, plan: TrainingPlan, planner: MemoryPlanner): Promise<string> {
  for (const { plan: smaller, words } of candidates(plan)) {
    const parts = await partsOf(planner, smaller);
    if (parts === null || !(await allocates(gpu, sizesOf(parts)))) continue;
    const bytes = formatBytes(total(parts.flatMap(({ buffers }) => buffers)));
    return `${words}: then it takes ${bytes} and fits.`;
  }
  const last = plan.method === 'grpo' ? 'grpo.maxCompletionLength or lora.r' : 'sft.maxLength or lora.r';
  return `No smaller batch fits either: lower ${last}, or train a smaller model.`;
}

async function partsOf(planner: MemoryPlanner, plan: TrainingPlan): Promise<readonly MemoryPart[] | null> {
  try {
    return (await planner(plan)).parts;
  } catch (error) {
    if (error instanceof LookBackError) return null;
    throw error;
  }
}

/** Changes from the least harmful to the most: time first, then the size of a step. Each keeps those before it. */
function* candidates(given: TrainingPlan): Generator<Candidate> {
  let plan = given;
  const changes: string[] = [];
  if (!plan.gradientCheckpointing) {
    plan = { ...plan, gradientCheckpointing: true };
    changes.push('turn gradientCheckpointing on');
    yield { plan, words: sentence(changes) };
  }
  if (evaluatesHeldOut(readerOf(plan)) && plan.evalBatchSize > 1) {
    for (let batch = plan.evalBatchSize >> 1; batch >= 1; batch >>= 1) {
      plan = { ...plan, evalBatchSize: batch };
      yield { plan, words: sentence([...changes, `set evalBatchSize to ${batch}`]) };
    }
    changes.push('set evalBatchSize to 1');
  }
  for (let tokens = plan.tokensPerMicroBatch >> 1; tokens >= 64; tokens >>= 1) {
    plan = { ...plan, tokensPerMicroBatch: tokens };
    yield { plan, words: sentence([...changes, `set tokensPerMicroBatch to ${tokens}`]) };
  }
  changes.push(`set tokensPerMicroBatch to ${plan.tokensPerMicroBatch}`);
  if (plan.method === 'sft') return;
  for (let prompts = plan.grpo.promptsPerStep >> 1; prompts >= 1; prompts >>= 1) {
    plan = { ...plan, grpo: { ...plan.grpo, promptsPerStep: prompts } };
    yield { plan, words: sentence([...changes, `grpo.promptsPerStep to ${prompts}`]) };
  }
  changes.push(`grpo.promptsPerStep to ${plan.grpo.promptsPerStep}`);
  for (let group = plan.grpo.numGenerations >> 1; group >= 2; group >>= 1) {
    plan = { ...plan, grpo: { ...plan.grpo, numGenerations: group } };
    yield { plan, words: sentence([...changes, `grpo.numGenerations to ${group}`]) };
  }
}

function sentence(changes: readonly string[]): string {
  const text = changes.join(', ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function sizesOf(parts: readonly MemoryPart[]): number[] {
  return parts.flatMap(({ buffers }) => buffers);
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
