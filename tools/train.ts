// Command line: trains an adapter. `npm run train -- sft|grpo --config FILE --out DIR [--resume]`
// It uses the Worker's trainers and loop; progress goes to stderr, metrics to JSON lines, the adapter to a PEFT pair.
// A run that was killed goes on with --resume from its last checkpoint, bit for bit on the same device.

import { dirname, relative, resolve } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { unknownWords } from '../src/data/text/unknown_words';
import { acquireDevice } from '../src/gpu/device';
import { MAX_REWARD_SOURCE } from '../src/lookback/custom_reward';
import { loadPromptMaker } from '../src/lookback/question_prompt';
import { Reasoner } from '../src/lookback/reasoner';
import { leftOutMessage } from '../src/lookback/row_examples';
import { createTrainer, type PreparingHooks, type TrainingRequest } from '../src/lookback/training';
import { loraConfigOf, trainedWeights } from '../src/lookback/training_adapter';
import type { ModelFiles } from '../src/model/vision_language_model';
import { WEIGHT_PRECISIONS, type WeightPrecision } from '../src/model/weight_layout';
import { baseFingerprint } from '../src/services/answers/base_fingerprint';
import { splitWords } from '../src/settings/held_out';
import { type RunFile, writeRunFile } from '../src/settings/run_file';
import type { TrainingMethod } from '../src/settings/train_settings';
import type { StepOutcome } from '../src/train/trainer';
import { metricsLine } from '../src/train/training_log';
import { TrainingLoop } from '../src/train/training_loop';
import { type AdapterFolder, readAdapter, warnOfPrecision, writeAdapter } from './adapter_folder';
import { closeDevice, log, oneOf, readArguments, runCommand, UsageError } from './command_line';
import { datasetRows } from './dataset_rows';
import { findModel, precisionOption } from './model_source';
import { createNodeGpu } from './node_gpu';
import { readRegularFile } from './regular_file';
import { openNodeRewardWorker, serveRewards } from './reward_worker';
import { readRunConfig } from './run_config';
import { TrainFiles, writeWhole } from './train_files';

const USAGE = `usage: npm run train -- sft|grpo --config FILE --out DIR [--reward FILE] [--resume] [--weights PRECISION] [--json]

  --config FILE   JSON: model, mode, source, saveSteps, adapter and the settings of the method (docs/cli.md)
  --out DIR       run.json, metrics.jsonl, groups.jsonl, samples.jsonl, checkpoint, and the adapter as PEFT reads it
  --reward FILE   JavaScript with function reward(sample), with weight 1 unless the configuration gives one (GRPO)
  --resume        go on from the checkpoint in --out
  --weights P     the base's weights: ${WEIGHT_PRECISIONS.join(', ')} (default: by the model's size)
  --json          print {steps, adapter, device, seconds} as one JSON object`;

interface Call {
  readonly method: TrainingMethod;
  readonly config: string;
  readonly out: string;
  readonly resume: boolean;
  readonly reward: string | undefined;
  readonly precision: WeightPrecision | undefined;
  readonly json: boolean;
}

function readCall(): Call {
  const method = oneOf('method', process.argv[2] ?? '', ['sft', 'grpo'] as const);
  process.argv.splice(2, 1);
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const {
    config,
    out,
    resume = false,
    json = false,
    weights,
    reward,
  } = readArguments({ config: text, out: text, reward: text, resume: flag, weights: text, json: flag });
  if (config === undefined) throw new UsageError('--config is missing.');
  if (out === undefined) throw new UsageError('--out is missing.');
  if (reward !== undefined && method !== 'grpo') throw new UsageError('--reward is for grpo.');
  return { method, config, out, resume, reward, precision: precisionOption(weights), json };
}

/** The run with the reward of `--reward`; a configuration that gives none a weight gives it 1. */
async function withReward(run: RunFile, path: string | undefined): Promise<RunFile> {
  if (path === undefined) return run;
  const customReward = new TextDecoder().decode(await readRegularFile(path, 4 * MAX_REWARD_SOURCE));
  const { rewardWeights } = run.grpo;
  const custom = rewardWeights.custom || 1;
  return { ...run, grpo: { ...run.grpo, customReward, rewardWeights: { ...rewardWeights, custom } } };
}

async function sourceOf(
  { source }: RunFile,
  file: string,
  model: ModelFiles,
  signal: AbortSignal,
): Promise<TrainingRequest['source']> {
  if (source.kind === 'shapes_world') return { ...source, kind: source.kind };
  const { tokenizer } = await loadPromptMaker(model);
  const unknown = (text: string) => unknownWords(tokenizer, text);
  return { kind: 'rows', rows: await datasetRows(resolve(dirname(file), source.file), unknown, signal) };
}

async function train(signal: AbortSignal): Promise<void> {
  const call = readCall();
  const run = await withReward(await readRunConfig(call.config, call.method), call.reward);
  const { id, files } = await findModel(run.model, signal);
  const source = await sourceOf(run, call.config, files, signal);
  const gpu = await acquireDevice({ gpu: createNodeGpu() });
  log(`${id} on ${gpu.traits.description}${gpu.traits.software ? ' (software)' : ''}`);
  const reasoner = await Reasoner.load(gpu, files, { signal, precision: call.precision });
  try {
    const start = run.adapter
      ? await readAdapter(resolve(dirname(call.config), run.adapter), reasoner.model.config)
      : null;
    if (start !== null) warnOfPrecision(start, reasoner.model.precision);
    const request = { ...run, source, start, openReward: openNodeRewardWorker };
    await runTraining(call, run, { reasoner, files }, request, signal);
  } finally {
    await closeDevice(gpu, reasoner);
  }
}

/** Says on the terminal what making a trainer tells. */
function preparing(): PreparingHooks {
  return {
    onPhase: (phase, fraction) =>
      log(`${phase}${fraction === null ? '' : ` ${Math.round(100 * fraction)} %`}`),
    onLeftOut: (rows) => {
      const message = leftOutMessage(rows);
      if (message !== null) log(message);
    },
    onSplit: (split) => log(splitWords(split)),
  };
}

async function runTraining(
  call: Call,
  run: RunFile,
  { reasoner, files }: { readonly reasoner: Reasoner; readonly files: ModelFiles },
  request: Omit<TrainingRequest, 'checkpoint'> & { start: AdapterFolder | null },
  signal: AbortSignal,
): Promise<void> {
  const began = performance.now();
  const folder = new TrainFiles(call.out);
  await folder.create();
  const about = {
    settings: settingsKey(run, request),
    base: await baseFingerprint(files),
    // A run over quantised weights goes on over the same ones.
    ...(call.precision ? { weights: call.precision } : {}),
  };
  if (!call.resume) await folder.refuseRun();
  const checkpoint = call.resume ? await folder.readCheckpoint(about) : null;
  for (const name of ['metrics.jsonl', 'groups.jsonl', 'samples.jsonl'])
    await folder.truncateMetrics(name, checkpoint?.step ?? 0);
  const hooks = { ...preparing(), signal };
  const trainer = await createTrainer(reasoner, { ...request, checkpoint }, hooks);
  await writeWhole(folder.path('run.json'), runRecord(call, run, about.base, reasoner));
  try {
    const loop = new TrainingLoop(
      trainer,
      {
        onStatus: () => undefined,
        onStep: (outcome) => logStep(folder, trainer.maxSteps, outcome),
        onCheckpoint: (state) => folder.saveCheckpoint(state, about),
      },
      { saveSteps: run.saveSteps },
    );
    signal.addEventListener('abort', () => loop.pause());
    const end = await loop.run();
    if (loop.status.reason) throw loop.status.reason;
    const state = await trainer.checkpoint();
    const config = loraConfigOf(request, run.model);
    const weights = trainedWeights(request, reasoner.model.config, state.adapter);
    await writeAdapter(
      call.out,
      { config, weights, precision: reasoner.model.precision },
      { loraDropout: request.lora.loraDropout, baseModel: run.model, fingerprint: about.base },
    );
    log(`${end} after ${trainer.step} steps; adapter in ${call.out}`);
    const seconds = (performance.now() - began) / 1000;
    const device = reasoner.model.device.gpu.traits.description;
    if (call.json)
      process.stdout.write(
        `${JSON.stringify({ steps: trainer.step, adapter: call.out, device, seconds })}\n`,
      );
  } finally {
    if (!reasoner.model.device.gpu.isLost()) trainer.destroy();
  }
}

async function logStep(folder: TrainFiles, maxSteps: number, outcome: StepOutcome): Promise<void> {
  const { step, metrics, groups, samples } = outcome;
  await folder.appendLine('metrics.jsonl', metricsLine({ step, values: metrics }));
  if (groups) await folder.appendLine('groups.jsonl', JSON.stringify({ step, groups: groups.slice(0, 2) }));
  if (samples) await folder.appendLine('samples.jsonl', JSON.stringify({ step, samples }));
  const shown = [
    'loss',
    'eval_loss',
    'reward',
    'accuracy',
    'look_back/trigger_rate',
    'grad_norm',
    'step_time',
  ];
  const figures = shown.flatMap((name) =>
    name in metrics ? [`${name} ${metrics[name]?.toPrecision(4)}`] : [],
  );
  log(`${step}/${maxSteps}  ${figures.join('  ')}`);
}

/** The run's configuration, as `--config` takes it again from the run's folder, with what it ran on. */
function runRecord({ config, out }: Call, run: RunFile, base: string, { model }: Reasoner): string {
  const device = model.device.gpu.traits.description;
  const from = (path: string): string => relative(resolve(out), resolve(dirname(config), path)) || '.';
  const { adapter, source } = run;
  const moved = {
    ...run,
    adapter: adapter === null ? null : from(adapter),
    source: source.kind === 'dataset' ? { ...source, file: from(source.file) } : source,
  };
  return writeRunFile(moved, { device, baseSha256: base, weights: model.precision });
}

/** Everything that decides a run's course but the adapter it continues, in a fixed order. */
function settingsKey(
  { model, mode, source, adapter }: RunFile,
  request: Omit<TrainingRequest, 'checkpoint'>,
): string {
  const { method, lora, optim, maxSteps, seed, tokensPerMicroBatch, gradientCheckpointing, sft, grpo } =
    request;
  const settings = { model, mode, source, adapter, method, lora, optim, maxSteps, seed };
  return JSON.stringify({
    ...settings,
    tokensPerMicroBatch,
    gradientCheckpointing,
    [method]: method === 'sft' ? sft : grpo,
  });
}

if (isMainThread) await runCommand(USAGE, train);
else await serveRewards();
