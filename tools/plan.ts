// Command line: prints the device memory of an answer or a training, part by part, without a GPU and without weights.
// `npm run plan -- --model NAME|DIR|FILE --method ask|sft|grpo [--prompt N] [--completion N] [--json]`

import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { globals } from 'webgpu';
import { ModelError } from '../src/lib/errors';
import { formatBytes } from '../src/lib/format';
import { parseModelConfig } from '../src/model/config';
import type { ModelSpec } from '../src/model/spec';
import { readModelJson } from '../src/model/vision_language_model';
import { WEIGHT_PRECISIONS } from '../src/model/weight_layout';
import { DEFAULT_TRAIN_CONFIG } from '../src/settings/train_settings';
import { oneOf, readArguments, runCommand, UsageError, wholeNumber } from './command_line';
import { DESKTOP_TRAITS, planRun, type RunPlan, type RunSize } from './memory_plan';
import { findModel } from './model_source';
import { repositoryRoot } from './node_gpu';
import { readRegularFile } from './regular_file';

const USAGE = `usage: npm run plan -- --model NAME|DIR|FILE [--method ask|sft|grpo] [options]

  --model M          a model's settings: a name of configs/models, a built-in model, a folder with a config.json, or
                     that file; its weights are not read
  --method METHOD    ask, sft or grpo (default grpo)
  --weights P        ${WEIGHT_PRECISIONS.join(', ')} (default int4)
  --prompt N         tokens of the prompt, its picture's among them (default 1300)
  --image-tokens N   of the picture (default 1024)
  --completion N     tokens of the longest answer (default 400)
  --group N          GRPO: answers to each prompt (default ${DEFAULT_TRAIN_CONFIG.grpo.numGenerations})
  --batch N          prompts (GRPO) or examples (SFT) of a step (default ${DEFAULT_TRAIN_CONFIG.grpo.promptsPerStep})
  --rank N           of the adapter (default ${DEFAULT_TRAIN_CONFIG.lora.r})
  --binding-mb N     largest binding of the device (default 2047)
  --json             one JSON object on stdout`;

const MAX_CONFIG_BYTES = 1 << 20;

function readCall() {
  const text = { type: 'string' } as const;
  const values = readArguments({
    ...{ model: text, method: text, weights: text, prompt: text, 'image-tokens': text, completion: text },
    ...{ group: text, batch: text, rank: text, 'binding-mb': text, json: { type: 'boolean' } },
  });
  if (values.model === undefined) throw new UsageError('--model is missing.');
  const { grpo, lora } = DEFAULT_TRAIN_CONFIG;
  const size: RunSize = {
    method: oneOf('method', values.method ?? 'grpo', ['ask', 'sft', 'grpo'] as const),
    precision: oneOf('weights', values.weights ?? 'int4', WEIGHT_PRECISIONS),
    prompt: wholeNumber('prompt', values.prompt, 2, 1300),
    imageTokens: wholeNumber('image-tokens', values['image-tokens'], 1, 1024),
    completion: wholeNumber('completion', values.completion, 1, 400),
    group: wholeNumber('group', values.group, 2, grpo.numGenerations),
    batch: wholeNumber('batch', values.batch, 1, grpo.promptsPerStep),
    rank: wholeNumber('rank', values.rank, 1, lora.r),
  };
  const megabytes = wholeNumber('binding-mb', values['binding-mb'], 128, 0);
  const traits =
    megabytes === 0 ? DESKTOP_TRAITS : { ...DESKTOP_TRAITS, maxBindingBytes: megabytes * 2 ** 20 };
  return { model: values.model, size, traits, json: values.json ?? false };
}

/** The settings of a model. @throws ModelError as {@link findModel} and parseModelConfig */
async function specOf(model: string): Promise<ModelSpec> {
  const folder = join(repositoryRoot(), 'configs/models');
  const published = (await readdir(folder)).find((name) => name === `${basename(model)}.json`);
  if (published !== undefined)
    return parseModelConfig(JSON.parse(await readFile(join(folder, published), 'utf8')));
  if (!model.endsWith('.json'))
    return parseModelConfig(await readModelJson((await findModel(model)).files, 'config.json'));
  const bytes = await readRegularFile(model, MAX_CONFIG_BYTES);
  try {
    return parseModelConfig(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ModelError(
      'model/files',
      `${model} is not valid JSON: ${error.message}`,
      { file: model },
      error,
    );
  }
}

function table({ parts, bytes, programs }: RunPlan): string {
  const lines: string[] = [];
  const line = (name: string, size: number): void => {
    lines.push(`${name.padEnd(46)} ${formatBytes(size).padStart(10)}`);
  };
  for (const part of new Set(parts.map(({ part }) => part))) {
    const members = parts.filter((one) => one.part === part);
    line(
      part,
      members.reduce((sum, one) => sum + one.bytes, 0),
    );
    if (members.length > 1) for (const member of members) line(`    ${member.of}`, member.bytes);
    if (part === 'activations')
      for (const { label, bytes: need } of programs) line(`    of which ${label}`, need);
  }
  line('in all', bytes);
  return `${lines.join('\n')}\n`;
}

await runCommand(USAGE, async () => {
  const call = readCall();
  // The constants of WebGPU, which a device that only counts names too.
  Object.assign(globalThis, globals);
  const plan = await planRun(call.traits, await specOf(call.model), call.size);
  process.stdout.write(call.json ? `${JSON.stringify({ ...call.size, ...plan })}\n` : table(plan));
});
