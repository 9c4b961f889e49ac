// Writes the README of a job: what lies in it, how it is run, and what the other trainer does in another way.

import { basename } from 'node:path';
import type { RunFile } from '../../src/settings/run_file';
import type { JobModel, JobTrainer } from './job_model';

function commands(to: JobTrainer, model: JobModel): string {
  if (to === 'trl') {
    return `    pip install trl peft pillow torchvision
    python train.py                     # reads the files beside it; the adapter comes into output/
    python train.py --model PATH_OR_ID  # over another copy of the base
    python train.py --bf16              # in half the memory, not in the run's f32

With several processes (\`accelerate launch train.py\`), divide \`gradient_accumulation_steps\` of grpo_config.json by their
number: a step then still takes as many questions.`;
  }
  return `    git clone https://github.com/hiyouga/EasyR1 && pip install -e EasyR1
    python -m verl.trainer.main config=config.yaml      # from this folder: paths count from it
    python EasyR1/scripts/model_merger.py --local_dir checkpoints/look_back/NAME/global_step_N/actor

The configuration has the keys of EasyR1 at b44b311. The reward counts the tokens of a look back by encoding the answer
again, as EasyR1 hands over no ids; the tokenizer is that of ${model.path}.`;
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
  const files =
    to === 'trl'
      ? '`grpo_config.json` (GRPOConfig), `lora_config.json` (PEFT) or `adapter/` (continued), `rewards.json` (weights), `train.py`'
      : '`config.yaml`';
  const continued =
    to === 'trl' && model.adapter !== null
      ? 'The run continues the adapter in `adapter/`, which is the reference of the KL term, too.\n\n'
      : '';
  const changed = differences.map((line) => `- ${line}\n`).join('');
  return `# ${run.name}: GRPO for ${trainer}

Exported from Look-Back: ${run.maxSteps} steps of ${run.grpo.promptsPerStep} questions with ${run.grpo.numGenerations} answers each, in the mode ${run.mode}, over ${model.path === 'model' ? `\`model/\` (${basename(run.model)})` : `\`${model.path}\``}.

${commands(to, model)}

${continued}Files: \`train.jsonl\` (${questions} questions in the run's order, pictures in \`images/\`), ${files}, and
\`look_back_reward.py\`, the rewards equal to Look-Back's.

What ${trainer} does in another way:

${changed === '' ? '- Nothing that the configuration says.\n' : changed}
The adapter that comes back (\`adapter_config.json\` and \`adapter_model.safetensors\`) is imported on the page's Library, or
used by \`npm run evaluate -- --adapter FOLDER\`.
`;
}
