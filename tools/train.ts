// Command line: trains an adapter. `npm run train -- sft|grpo --config FILE --out DIR [--resume]`
// It uses the Worker's trainers and loop; progress goes to stderr, metrics to JSON lines, the adapter to a PEFT pair.
// A run that was killed goes on with --resume from its last checkpoint, bit for bit on the same device.

import { mkdir } from 'node:fs/promises';
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
import { type BestEvaluation, bestWords } from '../src/settings/best_evaluation';
import { splitWords } from '../src/settings/held_out';
import { evaluatesHeldOut } from '../src/settings/held_out_settings';
import { readerOf } from '../src/settings/read_settings';
import { type RunFile, writeRunFile } from '../src/settings/run_file';
import type { TrainingMethod } from '../src/settings/train_settings';
import type { EvaluationOutcome, RunCheckpoint, StepOutcome } from '../src/train/trainer';
import { isEvaluated, metricsLine } from '../src/train/training_log';
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
  { source, ...run }: RunFile,
  file: string,
  model: ModelFiles,
  signal: AbortSignal,
): Promise<Pick<TrainingRequest, 'source' | 'heldOut'>> {
  const rowsOf = async (path: string) => {
    const { tokenizer } = await loadPromptMaker(model);
    return datasetRows(resolve(dirname(file), path), (text) => unknownWords(tokenizer, text), signal);
  };
  const other = evaluatesHeldOut(readerOf(run)) ? run.evalFile : null;
  const heldOut = other === null ? null : await rowsOf(other);
  if (source.kind === 'shapes_world') return { source: { ...source, kind: source.kind }, heldOut };
  return { source: { kind: 'rows', rows: await rowsOf(source.file) }, heldOut };
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
    const request = { ...run, ...source, start, openReward: openNodeRewardWorker };
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
  const earlier = (await folder.readMetrics('metrics.jsonl')).filter(isEvaluated);
  const hooks = { ...preparing(), signal };
  const trainer = await createTrainer(reasoner, { ...request, checkpoint }, hooks);
  let saved: RunCheckpoint | null = checkpoint;
  await writeWhole(folder.path('run.json'), runRecord(call, run, about.base, reasoner));
  try {
    const loop = new TrainingLoop(
      trainer,
      {
        onStatus: () => undefined,
        onStep: (outcome) => logStep(folder, trainer.maxSteps, outcome),
        onEvaluation: (outcome) => logEvaluation(folder, outcome),
        onCheckpoint: async (state) => {
          await folder.saveCheckpoint(state, about);
          saved = state;
        },
      },
      { saveSteps: run.saveSteps, evaluation: { ...run, earlier, best: checkpoint?.best ?? null } },
    );
    signal.addEventListener('abort', () => loop.pause());
    const end = await loop.run();
    const { reason } = loop.status;
    if (reason !== null && end !== 'finished') throw reason;
    if (reason !== null) log(reason.message);
    const best = saved?.best ?? null;
    const arenas = { last: (await trainer.checkpoint()).adapter, best: best?.adapter ?? null };
    await writeAdapters(folder, reasoner, { run, request, fingerprint: about.base }, arenas);
    log(`${end} after ${trainer.step} steps; adapter in ${call.out}`);
    if (best !== null) log(`the best, by ${bestWords(best)}, in ${folder.path('best')}`);
    const seconds = (performance.now() - began) / 1000;
    const device = reasoner.model.device.gpu.traits.description;
    if (call.json)
      process.stdout.write(
        `${JSON.stringify({ steps: trainer.step, adapter: call.out, best: bestOf(best), device, seconds })}\n`,
      );
  } finally {
    if (!reasoner.model.device.gpu.isLost()) trainer.destroy();
  }
}

async function logStep(folder: TrainFiles, maxSteps: number, outcome: StepOutcome): Promise<void> {
  const { step, metrics, groups } = outcome;
  await folder.appendLine('metrics.jsonl', metricsLine({ step, values: metrics }));
  if (groups) await folder.appendLine('groups.jsonl', JSON.stringify({ step, groups: groups.slice(0, 2) }));
  const shown = ['loss', 'reward', 'accuracy', 'look_back/trigger_rate', 'grad_norm', 'step_time'];
  log(`${step}/${maxSteps}  ${figuresOf(metrics, shown)}`);
}

/** Puts an evaluation beside the metrics of its step. */
async function logEvaluation(
  folder: TrainFiles,
  { step, metrics, samples }: EvaluationOutcome,
): Promise<void> {
  if (samples.length > 0) await folder.putLine('samples.jsonl', step, { samples });
  // Last: it is what says that the evaluation was done.
  await folder.putLine('metrics.jsonl', step, metrics);
  const accuracy = ['accuracy', 'accuracy_low', 'accuracy_high'].map((name) => metrics[`eval_${name}`]);
  const [mean, low, high] = accuracy.map((value) => ((value ?? 0) * 100).toFixed(1));
  const right = 'eval_accuracy' in metrics ? [`eval_accuracy ${mean} % (${low} to ${high})`] : [];
  const shown = [
    ...['eval_loss', 'eval_look_back/trigger_rate', 'eval_completions/mean_length', 'eval_runtime'],
  ];
  log(`evaluated after step ${step}: ${[...right, figuresOf(metrics, shown)].join('  ')}`);
}

/** `loss 0.5123  grad_norm 1.2`: the metrics of these names that there are. */
function figuresOf(metrics: Readonly<Record<string, number>>, names: readonly string[]): string {
  const found = names.filter((name) => name in metrics);
  return found.map((name) => `${name} ${metrics[name]?.toPrecision(4)}`).join('  ');
}

/** Writes the last adapter into the run's folder, and the best, where there is one, into `best` within it. */
async function writeAdapters(
  folder: TrainFiles,
  { model }: Reasoner,
  about: {
    readonly run: RunFile;
    readonly request: Pick<TrainingRequest, 'lora' | 'start'>;
    readonly fingerprint: string;
  },
  arenas: { readonly last: Float32Array; readonly best: Float32Array | null },
): Promise<void> {
  const { run, request, fingerprint } = about;
  const write = (to: string, arena: Float32Array): Promise<void> => {
    const weights = trainedWeights(request, model.config, arena);
    const adapter = { config: loraConfigOf(request, run.model), weights, precision: model.precision };
    const { loraDropout } = request.lora;
    return writeAdapter(to, adapter, { loraDropout, baseModel: run.model, fingerprint });
  };
  await write(folder.path('.'), arenas.last);
  if (arenas.best === null) return;
  await mkdir(folder.path('best'), { recursive: true });
  await write(folder.path('best'), arenas.best);
}

/** What is printed of the best evaluation. */
function bestOf(best: BestEvaluation | null): BestEvaluation | null {
  return best && { step: best.step, metric: best.metric, value: best.value };
}

/** The run's configuration, as `--config` takes it again from the run's folder, with what it ran on. */
function runRecord({ config, out }: Call, run: RunFile, base: string, { model }: Reasoner): string {
  const device = model.device.gpu.traits.description;
  const from = (path: string): string => relative(resolve(out), resolve(dirname(config), path)) || '.';
  const { adapter, source, evalFile } = run;
  const moved = {
    ...run,
    adapter: adapter === null ? null : from(adapter),
    evalFile: evalFile === null ? null : from(evalFile),
    source: source.kind === 'dataset' ? { ...source, file: from(source.file) } : source,
  };
  return writeRunFile(moved, { device, baseSha256: base, weights: model.precision });
}

/** A source as runs kept it before these settings came to be, where they change nothing: such runs still go on. */
function keptSource({ questions, looks, chains, ...source }: RunFile['source']): object {
  return {
    ...source,
    ...(questions === 'all' ? {} : { questions }),
    ...(looks === 'one' ? {} : { looks }),
    ...(chains === 'own' ? {} : { chains }),
  };
}

/** Everything that decides a run's course but the adapter it continues, in a fixed order. */
function settingsKey(
  { model, mode, source, adapter, lookTag, evalFile }: RunFile,
  request: Omit<TrainingRequest, 'checkpoint'>,
): string {
  const { method, lora, optim, maxSteps, seed, tokensPerMicroBatch, gradientCheckpointing, sft, grpo } =
    request;
  const { evalSteps, evalSize, evalSamples } = request;
  const settings = { model, mode, source: keptSource(source), adapter, method, lora, optim, maxSteps, seed };
  return JSON.stringify({
    ...settings,
    ...(lookTag === 'back' ? {} : { lookTag }),
    ...(evalSteps > 0 ? { evalSteps, evalSize, evalSamples, evalFile } : {}),
    tokensPerMicroBatch,
    gradientCheckpointing,
    [method]: method === 'sft' ? sft : grpo,
  });
}

if (isMainThread) await runCommand(USAGE, train);
else await serveRewards();
