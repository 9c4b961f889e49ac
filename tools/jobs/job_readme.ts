// Writes the README of a job: what lies in it, how it is run, and what the other trainer does in another way.

import { basename } from 'node:path';
import type { RunFile } from '../../src/settings/run_file';
import type { JobModel, JobTrainer } from './job_model';

function commands(to: JobTrainer, { method }: RunFile, model: JobModel): string {
  if (to === 'trl') {
    const config = `${method}_config.json`;
    const taken = method === 'sft' ? 'examples' : 'questions';
    return `    pip install trl peft pillow torchvision
    python train.py                     # reads the files beside it; the adapter comes into output/
    python train.py --model PATH_OR_ID  # over another copy of the base
    python train.py --bf16              # in half the memory, not in the run's f32

With several processes (\`accelerate launch train.py\`), divide \`gradient_accumulation_steps\` of ${config} by their
number: a step then still takes as many ${taken}.`;
  }
  return `    git clone https://github.com/hiyouga/EasyR1 && pip install -e EasyR1
    python -m verl.trainer.main config=config.yaml      # from this folder: paths count from it
    python EasyR1/scripts/model_merger.py --local_dir checkpoints/look_back/NAME/global_step_N/actor

The configuration has the keys of EasyR1 at b44b311. The reward counts the tokens of a look back by encoding the answer
again, as EasyR1 hands over no ids; the tokenizer is that of ${model.path}.`;
}

/** How long the run is. */
function stepWords({ method, maxSteps, sft, grpo }: RunFile): string {
  if (method === 'grpo')
    return `${maxSteps} steps of ${grpo.promptsPerStep} questions with ${grpo.numGenerations} answers each,`;
  const length = sft.numTrainEpochs > 0 ? `${sft.numTrainEpochs} epochs` : `${maxSteps} steps`;
  return `${length} of ${sft.batchSize} written answers each,`;
}

/** What lies in the job. */
function fileWords(to: JobTrainer, { method }: RunFile, count: number): string {
  if (method === 'sft')
    return `\`train.jsonl\` (${count} examples, pictures in \`images/\`), \`eval.jsonl\` (where some are held out), \`sft_config.json\` (SFTConfig), \`lora_config.json\` (PEFT) or \`adapter/\` (continued), \`train.py\``;
  const files =
    to === 'trl'
      ? '`grpo_config.json` (GRPOConfig), `lora_config.json` (PEFT) or `adapter/` (continued), `rewards.json` (weights), `train.py`'
      : '`config.yaml`';
  return `\`train.jsonl\` (${count} questions in the run's order, pictures in \`images/\`), ${files}, and\n\`look_back_reward.py\`, the rewards equal to Look-Back's`;
}

/** The README. */
export function jobReadme(
  run: RunFile,
  to: JobTrainer,
  {
    model,
    differences,
    questions,
  }: {
    readonly model: JobModel;
    readonly differences: readonly string[];
    readonly questions: number;
  },
): string {
  const trainer = to === 'trl' ? 'TRL' : 'EasyR1';
  const continued =
    to === 'trl' && model.adapter !== null
      ? `The run continues the adapter in \`adapter/\`${run.method === 'grpo' ? ', which is the reference of the KL term, too' : ''}.\n\n`
      : '';
  const changed = differences.map((line) => `- ${line}\n`).join('');
  const what = `in the mode ${run.mode}, over ${model.path === 'model' ? `\`model/\` (${basename(run.model)})` : `\`${model.path}\``}`;
  return `# ${run.name}: ${run.method.toUpperCase()} for ${trainer}

Exported from Look-Back: ${stepWords(run)} ${what}.

${commands(to, run, model)}

${continued}Files: ${fileWords(to, run, questions)}.

What ${trainer} does in another way:

${changed === '' ? '- Nothing that the configuration says.\n' : changed}
The adapter that comes back (\`adapter_config.json\` and \`adapter_model.safetensors\`) is imported on the page's Library, or
used by \`npm run evaluate -- --adapter FOLDER\`.
`;
}
