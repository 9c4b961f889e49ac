// Says a GRPO run in EasyR1's words: its configuration file and its data set of problems with pictures.
// Source of keys and meanings: EasyR1 at b44b311, examples/config.yaml, verl/trainer/config.py and workers/*/config.py.

import { ArgumentError } from '../../src/lib/errors';
import type { RunFile } from '../../src/settings/run_file';
import type { JobQuestion } from './job_questions';
import { evaluationDifferences, type JobSettings, jsonLines, weightedRewards } from './trl_job';

/** A value of the configuration file. */
type Yaml =
  | string
  | number
  | boolean
  | null
  | readonly (string | number)[]
  | { readonly [key: string]: Yaml };

/** What the file has to know of the model. */
export interface EasyR1Model {
  /** Path or hub id, the continued adapter merged in. */
  readonly path: string;
  /** Longest prompt in tokens. */
  readonly maxPromptLength: number;
  readonly minPixels: number;
  readonly maxPixels: number;
  /** What ends an answer, in words. */
  readonly endTexts: readonly string[];
}

/** A scalar; YAML 1.1 reads 1e-7 as text, and 1.0e-7 as a number. */
function scalar(value: string | number | boolean | null): string {
  if (typeof value !== 'number') return JSON.stringify(value);
  const text = String(value);
  return /^-?\d+e/.test(text) ? text.replace('e', '.0e') : text;
}

/** A tree as YAML, two spaces a level; texts are quoted as JSON, which YAML reads. */
export function yamlOf(tree: { readonly [key: string]: Yaml }, indent = ''): string {
  return Object.entries(tree)
    .map(([key, value]) => {
      if (Array.isArray(value)) return `${indent}${key}: [${value.map(scalar).join(', ')}]\n`;
      if (typeof value !== 'object' || value === null)
        return `${indent}${key}: ${scalar(value as string | number | boolean | null)}\n`;
      return `${indent}${key}:\n${yamlOf(value as { [key: string]: Yaml }, `${indent}  `)}`;
    })
    .join('');
}

function differences(run: RunFile): string[] {
  const { grpo, optim, lora } = run;
  const found = evaluationDifferences(run);
  const say = (differs: boolean, what: string): void => {
    if (differs) found.push(what);
  };
  say(
    grpo.scaleRewards !== 'group',
    `scaleRewards ${grpo.scaleRewards}: EasyR1's GRPO divides by the group's deviation.`,
  );
  say(grpo.lossType === 'dr_grpo', 'lossType dr_grpo: EasyR1 divides by tokens (dapo).');
  say(grpo.maskTruncatedCompletions, 'maskTruncatedCompletions: EasyR1 keeps answers that were cut off.');
  say(
    grpo.dropUniformGroups !== 'none',
    'dropUniformGroups: EasyR1 leaves out groups whose mean is not between 0.01 and 0.99, and samples others in their place.',
  );
  say(
    optim.lrSchedulerType === 'linear',
    'lrSchedulerType linear: EasyR1 knows constant and cosine; constant is taken.',
  );
  say(optim.adamEpsilon !== 1e-8, `adamEpsilon ${optim.adamEpsilon}: EasyR1 has AdamW's own 1e-8.`);
  say(
    lora.targetModules.includes(','),
    'targetModules has a comma, which EasyR1 cuts at: all linear layers outside the vision tower are trained.',
  );
  say(lora.loraDropout > 0, `loraDropout ${lora.loraDropout}: EasyR1 has none.`);
  return found;
}

/** PEFT reads a text as an expression over module names; EasyR1 cuts one with a comma into names. */
function loraTargets({ lora }: RunFile): { readonly [key: string]: Yaml } {
  if (!lora.targetModules.includes(',')) return { target_modules: lora.targetModules };
  return { target_modules: 'all-linear', exclude_modules: '.*visual.*' };
}

function actor(run: RunFile, model: EasyR1Model): Yaml {
  const { grpo, optim, lora, gradientCheckpointing } = run;
  return {
    global_batch_size: grpo.promptsPerStep,
    micro_batch_size_per_device_for_update: 1,
    micro_batch_size_per_device_for_experience: 1,
    max_grad_norm: optim.maxGradNorm > 0 ? optim.maxGradNorm : 1e9,
    clip_ratio_low: grpo.epsilon,
    clip_ratio_high: grpo.epsilonHigh,
    // A bound that no advantage reaches: the run clips once.
    clip_ratio_dual: 1e9,
    loss_type: 'default',
    loss_avg_mode: grpo.lossType === 'grpo' ? 'seq' : 'token',
    ppo_epochs: grpo.numIterations,
    model: {
      model_path: model.path,
      enable_gradient_checkpointing: gradientCheckpointing,
      trust_remote_code: false,
      freeze_vision_tower: true,
      lora: { rank: lora.r, alpha: lora.loraAlpha, ...loraTargets(run) },
    },
    optim: {
      lr: optim.learningRate,
      betas: [optim.adamBeta1, optim.adamBeta2],
      weight_decay: optim.weightDecay,
      strategy: 'adamw',
      lr_warmup_steps: optim.warmupSteps * grpo.numIterations,
      lr_scheduler_type: optim.lrSchedulerType === 'cosine' ? 'cosine' : 'constant',
    },
  };
}

function configuration(run: RunFile, model: EasyR1Model): { readonly [key: string]: Yaml } {
  const { grpo, maxSteps, saveSteps, seed, name } = run;
  const maxLength = grpo.maxCompletionLength;
  const filters = grpo.dropUniformGroups !== 'none';
  return {
    data: {
      ...{ train_files: 'train.jsonl', val_files: 'train.jsonl' },
      ...{ prompt_key: 'problem', answer_key: 'answer', image_key: 'images' },
      ...{ max_prompt_length: model.maxPromptLength, max_response_length: maxLength },
      ...{ rollout_batch_size: grpo.promptsPerStep, val_batch_size: grpo.promptsPerStep },
      ...{ format_prompt: null, shuffle: false, seed },
      ...{ min_pixels: model.minPixels, max_pixels: model.maxPixels, filter_overlong_prompts: true },
    },
    algorithm: {
      adv_estimator: 'grpo',
      ...{ disable_kl: grpo.beta === 0, use_kl_loss: grpo.beta > 0 },
      ...{ kl_penalty: 'low_var_kl', kl_coef: grpo.beta },
      online_filtering: filters,
      filter_key: grpo.dropUniformGroups === 'accuracy' ? 'accuracy' : 'overall',
      ...{ filter_low: 0.01, filter_high: 0.99 },
    },
    worker: {
      actor: actor(run, model),
      rollout: {
        ...{ n: grpo.numGenerations, temperature: grpo.temperature, top_p: grpo.topP },
        ...{ tensor_parallel_size: 1, limit_images: 1, gpu_memory_utilization: 0.6 },
        val_override_config: { temperature: 0, n: 1 },
      },
      reward: {
        reward_function: './look_back_reward.py:compute_score',
        reward_function_kwargs: {
          weights: weightedRewards(run),
          tokenizer: model.path,
          max_length: maxLength,
          end_texts: model.endTexts,
        },
        // An end token in the text shows that an answer is whole.
        skip_special_tokens: false,
      },
    },
    trainer: {
      ...{ max_steps: maxSteps, total_epochs: maxSteps, logger: ['console'] },
      ...{ project_name: 'look_back', experiment_name: name, n_gpus_per_node: 1, nnodes: 1 },
      ...{ val_freq: -1, val_before_train: false, save_freq: saveSteps > 0 ? saveSteps : -1, save_limit: 1 },
    },
  };
}

/**
 * The job's settings and data.
 * @throws ArgumentError where a question has a system text, for which EasyR1 has no place
 */
export function easyR1Job(run: RunFile, questions: readonly JobQuestion[], model: EasyR1Model): JobSettings {
  if (questions.some(({ system }) => system !== undefined)) {
    throw new ArgumentError(
      `A question has a system text, of the mode ${run.mode} of this model or of its row; EasyR1 takes none.`,
    );
  }
  const rows = questions.map(({ text, answer, image }) => ({
    problem: `<image>${text}`,
    answer,
    images: [image],
  }));
  return {
    files: { 'train.jsonl': jsonLines(rows), 'config.yaml': yamlOf(configuration(run, model)) },
    differences: differences(run),
  };
}
