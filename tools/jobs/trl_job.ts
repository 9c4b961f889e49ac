// Says a run in TRL's words: GRPOConfig or SFTConfig, PEFT's LoraConfig and a conversational data set with pictures.

import { ArgumentError } from '../../src/lib/errors';
import type { ExampleSplit } from '../../src/settings/held_out';
import type { RunFile } from '../../src/settings/run_file';
import type { RewardName } from '../../src/settings/train_settings';
import type { JobExample, JobExamples, JobQuestion } from './job_questions';

/** A run in the words of another trainer. */
export interface JobSettings {
  /** Files of the job by path, as they are written. */
  readonly files: Readonly<Record<string, string>>;
  /** What the other trainer does in another way, a sentence each. */
  readonly differences: readonly string[];
}

/** Rewards of what the model did while it wrote, which its text does not show. */
const REWARDS_OF_THE_MODEL: readonly [RewardName, string][] = [
  ['visual_anchor', 'attention inside the look back'],
  ['visual_dependence', 'what the picture adds to the look back'],
];

/**
 * Rewards with a weight, in the order of the table.
 * @throws ArgumentError for a reward that no Python trainer can compute: one in JavaScript, one of what the model did
 */
export function weightedRewards({ grpo }: Pick<RunFile, 'grpo'>): Record<string, number> {
  if (grpo.rewardWeights.custom !== 0) {
    throw new ArgumentError(
      'The run has a reward of its own in JavaScript, which no Python trainer reads: set grpo.rewardWeights.custom to 0, and add it to look_back_reward.py of the job.',
    );
  }
  for (const [name, what] of REWARDS_OF_THE_MODEL) {
    if (grpo.rewardWeights[name] === 0) continue;
    throw new ArgumentError(
      `The run rewards ${what}, which trainers over vLLM do not record: set grpo.rewardWeights.${name} to 0.`,
    );
  }
  return Object.fromEntries(Object.entries(grpo.rewardWeights).filter(([, weight]) => weight !== 0));
}

/** One JSON object in two columns. */
export function jsonFile(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** JSON lines. */
export function jsonLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** transformers' name of a schedule: its `constant` knows no warm-up. */
function schedulerName({ lrSchedulerType, warmupSteps }: RunFile['optim']): string {
  return lrSchedulerType === 'constant' && warmupSteps > 0 ? 'constant_with_warmup' : lrSchedulerType;
}

/** Keyword arguments of transformers' `TrainingArguments` that both methods set. @param factor updates per step */
function trainingArguments(run: RunFile, factor: number): Record<string, unknown> {
  const { optim, seed, saveSteps, gradientCheckpointing } = run;
  return {
    learning_rate: optim.learningRate,
    lr_scheduler_type: schedulerName(optim),
    warmup_steps: optim.warmupSteps * factor,
    weight_decay: optim.weightDecay,
    adam_beta1: optim.adamBeta1,
    adam_beta2: optim.adamBeta2,
    adam_epsilon: optim.adamEpsilon,
    max_grad_norm: optim.maxGradNorm,
    seed,
    gradient_checkpointing: gradientCheckpointing,
    save_strategy: saveSteps > 0 ? 'steps' : 'no',
    save_steps: Math.max(1, saveSteps * factor),
    logging_steps: 1,
    report_to: 'none',
    bf16: false,
  };
}

/** Keyword arguments of TRL's `GRPOConfig`. One process takes a step's questions one after the other. */
function grpoConfig(run: RunFile): Record<string, unknown> {
  const { grpo, maxSteps } = run;
  return {
    max_steps: maxSteps * grpo.numIterations,
    per_device_train_batch_size: grpo.numGenerations,
    gradient_accumulation_steps: grpo.promptsPerStep,
    num_generations: grpo.numGenerations,
    max_completion_length: grpo.maxCompletionLength,
    temperature: grpo.temperature,
    top_p: grpo.topP,
    top_k: 0,
    num_iterations: grpo.numIterations,
    loss_type: grpo.lossType,
    scale_rewards: grpo.scaleRewards === 'group' ? 'group' : 'none',
    mask_truncated_completions: grpo.maskTruncatedCompletions,
    epsilon: grpo.epsilon,
    epsilon_high: grpo.epsilonHigh,
    beta: grpo.beta,
    reward_weights: Object.values(weightedRewards(run)),
    shuffle_dataset: false,
    ...trainingArguments(run, grpo.numIterations),
  };
}

/** What a job does not do of a run's evaluations. */
export function evaluationDifferences(run: RunFile): string[] {
  const { evalSteps, evalSize, evalFile, method, earlyStoppingPatience } = run;
  if (evalSteps === 0 || evalSize === 0) return [];
  const on = evalFile === null ? 'held-out questions' : `\`${evalFile}\``;
  const early = earlyStoppingPatience > 0 ? ', and does not end early' : '';
  if (method === 'grpo' || evalFile !== null)
    return [
      `The run is evaluated on ${on} every ${evalSteps} steps; the job is not, keeps no best checkpoint${early}.`,
    ];
  return [`The job keeps no best checkpoint${early}.`];
}

function differences(run: RunFile): string[] {
  const { grpo, tokensPerMicroBatch } = run;
  const found = [
    `One question at a time goes through the model, not ${tokensPerMicroBatch} tokens; the update is the same.`,
    ...evaluationDifferences(run),
  ];
  if (grpo.scaleRewards === 'std_floor')
    found.push(
      `scaleRewards std_floor (${grpo.stdFloor}) is not known to TRL: advantages are not divided at all (none).`,
    );
  if (grpo.dropUniformGroups !== 'none')
    found.push(
      `dropUniformGroups ${grpo.dropUniformGroups} is not known to TRL: groups whose answers score alike count.`,
    );
  if (grpo.numIterations > 1)
    found.push('The learning rate changes with every update, here with every sampled batch.');
  return found;
}

/** Arguments of PEFT's `LoraConfig`; none where an adapter is continued. */
function loraFile(lora: RunFile['lora'] | null): Record<string, string> {
  if (lora === null) return {};
  const adapter = {
    r: lora.r,
    lora_alpha: lora.loraAlpha,
    lora_dropout: lora.loraDropout,
    target_modules: lora.targetModules,
    bias: 'none',
    task_type: 'CAUSAL_LM',
  };
  return { 'lora_config.json': jsonFile(adapter) };
}

/** A question as TRL's trainers read it; they put the picture before the user's words. */
function trlRow({ text, system, image }: JobQuestion) {
  const asked = { role: 'user', content: text };
  const prompt = system === undefined ? [asked] : [{ role: 'system', content: system }, asked];
  return { prompt, images: [image] };
}

/**
 * A question of GRPO: TRL hands what else the row has to the reward functions. `columns` is JSON, as rows may differ in
 * what they hold, and columns of Arrow may not.
 */
function trlQuestion(question: JobQuestion) {
  const { answer, columns } = question;
  return { ...trlRow(question), answer, columns: JSON.stringify(columns) };
}

/**
 * The job's settings and data.
 * @param lora the adapter that is made; null where one is continued
 */
export function trlJob(
  run: RunFile,
  questions: readonly JobQuestion[],
  lora: RunFile['lora'] | null,
): JobSettings {
  return {
    files: {
      'train.jsonl': jsonLines(questions.map(trlQuestion)),
      'grpo_config.json': jsonFile(grpoConfig(run)),
      ...loraFile(lora),
      'rewards.json': jsonFile(weightedRewards(run)),
    },
    differences: differences(run),
  };
}

/** Keyword arguments of TRL's `SFTConfig`. Its loss is the mean over the response tokens of a step, as here. */
function sftConfig(run: RunFile, { steps, heldOut }: ExampleSplit): Record<string, unknown> {
  const { sft } = run;
  return {
    max_steps: steps,
    per_device_train_batch_size: 1,
    per_device_eval_batch_size: 1,
    gradient_accumulation_steps: sft.batchSize,
    completion_only_loss: true,
    packing: false,
    max_length: null,
    eval_strategy: heldOut > 0 ? 'steps' : 'no',
    ...(heldOut > 0 ? { eval_steps: run.evalSteps } : {}),
    ...trainingArguments(run, 1),
  };
}

/**
 * Settings and data of an SFT job.
 * @param lora the adapter that is made; null where one is continued
 */
export function trlSftJob(
  run: RunFile,
  { train, held, split }: JobExamples,
  lora: RunFile['lora'] | null,
): JobSettings {
  const rows = (examples: readonly JobExample[]): string =>
    jsonLines(
      examples.map(({ response, ...question }) => ({
        ...trlRow(question),
        completion: [{ role: 'assistant', content: response }],
      })),
    );
  const differences = [
    `One example at a time goes through the model, not ${run.tokensPerMicroBatch} tokens; the update is the same.`,
    'Examples come in another random order.',
    'What a chat template writes behind the end of an answer, as Qwen’s newline, is trained, too.',
    `Examples of more than sft.maxLength (${run.sft.maxLength}) tokens are not left out.`,
    ...(held.length > 0 && run.evalSamples > 0 ? ['Evaluations give the loss, and no sample answers.'] : []),
    ...evaluationDifferences(run),
  ];
  return {
    files: {
      'train.jsonl': rows(train),
      ...(held.length > 0 ? { 'eval.jsonl': rows(held) } : {}),
      'sft_config.json': jsonFile(sftConfig(run, split)),
      ...loraFile(lora),
    },
    differences,
  };
}
