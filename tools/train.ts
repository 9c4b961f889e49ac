// Command line: trains an adapter. `npm run train -- sft|grpo --config FILE --out DIR [--resume]`
// The same trainers and loop as in the Worker; progress on stderr, metrics as JSON lines, the adapter as a PEFT pair.
// Invariant: a run that was killed goes on with --resume from its last checkpoint, bit for bit on the same device.

import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { acquireDevice } from '../src/gpu/device';
import { DataError } from '../src/lib/errors';
import { REASONING_MODES, type ReasoningMode } from '../src/lookback/prompts';
import { Reasoner } from '../src/lookback/reasoner';
import { type LeftOutRows, leftOutMessage } from '../src/lookback/row_examples';
import { createTrainer, loraConfigOf, type TrainingRequest, trainedWeights } from '../src/lookback/training';
import type { ModelFiles } from '../src/model/vision_language_model';
import { baseFingerprint } from '../src/services/answers/base_fingerprint';
import { DEFAULT_TRAIN_CONFIG, type TrainConfig } from '../src/train/train_config';
import type { StepOutcome } from '../src/train/trainer';
import { metricsLine } from '../src/train/training_log';
import { TrainingLoop } from '../src/train/training_loop';
import { type AdapterFolder, readAdapter, writeAdapter } from './adapter_folder';
import { closeDevice, log, oneOf, readArguments, runCommand, UsageError } from './command_line';
import { datasetRows } from './dataset_rows';
import { findModel } from './model_source';
import { createNodeGpu } from './node_gpu';
import { TrainFiles } from './train_files';

const USAGE = `usage: npm run train -- sft|grpo --config FILE --out DIR [--resume] [--json]

  --config FILE   JSON: model, mode, source, saveSteps, adapter and the settings of the method (docs/cli.md)
  --out DIR       metrics.jsonl, groups.jsonl, samples.jsonl, checkpoint, and the adapter as PEFT reads it
  --resume        go on from the checkpoint in --out
  --json          print {steps, adapter, device, seconds} as one JSON object`;

/** What a configuration file may hold besides {@link TrainConfig}. */
interface RunFile {
  readonly model: string;
  readonly mode: ReasoningMode;
  readonly saveSteps: number;
  /** Folder of the adapter to continue, relative to the file. */
  readonly adapter?: string;
  readonly source: {
    readonly kind: 'shapes_world' | 'dataset';
    readonly textShare?: number;
    readonly scenes?: number;
    readonly rolloutsPerScene?: number;
    readonly reflectionRate?: number;
    /** A table {image, question, answer, response} with its images beside it, a folder, or a zip. */
    readonly file?: string;
  };
}

interface Call {
  readonly method: 'sft' | 'grpo';
  readonly config: string;
  readonly out: string;
  readonly resume: boolean;
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
  } = readArguments({ config: text, out: text, resume: flag, json: flag });
  if (config === undefined) throw new UsageError('--config is missing.');
  if (out === undefined) throw new UsageError('--out is missing.');
  return { method, config, out, resume, json };
}

/** Settings over the defaults, section by section; a key that no default has is an error. */
function withDefaults(given: Record<string, unknown>, file: string): TrainConfig {
  const merged: Record<string, unknown> = { ...DEFAULT_TRAIN_CONFIG };
  for (const [key, value] of Object.entries(given)) {
    const base = merged[key];
    if (base === undefined)
      throw new DataError('data/config', `${file}: there is no setting "${key}".`, { key });
    if (typeof base !== 'object') {
      merged[key] = value;
      continue;
    }
    if (typeof value !== 'object' || value === null)
      throw new DataError('data/config', `${file}: ${key} must be an object.`, { key });
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(base as object, name));
    if (unknown)
      throw new DataError('data/config', `${file}: there is no setting "${key}.${unknown}".`, { key });
    merged[key] = { ...base, ...value };
  }
  return merged as unknown as TrainConfig;
}

async function readConfig(file: string): Promise<{ run: RunFile; config: TrainConfig }> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new DataError(
      'data/config',
      `${file}: ${error instanceof Error ? error.message : error}`,
      {},
      error,
    );
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new DataError('data/config', `${file}: must hold one JSON object.`);
  const {
    model,
    mode,
    saveSteps = 10,
    adapter,
    source,
    ...rest
  } = json as Record<string, unknown> & Partial<RunFile>;
  if (
    typeof model !== 'string' ||
    !mode ||
    !REASONING_MODES.includes(mode) ||
    !source ||
    typeof source.kind !== 'string'
  )
    throw new DataError(
      'data/config',
      `${file}: model, mode (${REASONING_MODES.join(', ')}) and source.kind are needed.`,
    );
  const known = ['kind', 'textShare', 'scenes', 'rolloutsPerScene', 'reflectionRate', 'file'];
  const unknown = Object.keys(source).find((key) => !known.includes(key));
  if (unknown) throw new DataError('data/config', `${file}: there is no setting "source.${unknown}".`);
  if (!['shapes_world', 'dataset'].includes(source.kind))
    throw new DataError('data/config', `${file}: source.kind must be shapes_world or dataset.`);
  const run = { model, mode, saveSteps, source, ...(adapter === undefined ? {} : { adapter }) };
  return { run, config: withDefaults(rest, file) };
}

async function sourceOf(
  { source }: RunFile,
  file: string,
  signal: AbortSignal,
): Promise<TrainingRequest['source']> {
  if (source.kind === 'dataset') {
    if (source.file === undefined) throw new DataError('data/config', `${file}: source.file is missing.`);
    return { kind: 'rows', rows: await datasetRows(resolve(dirname(file), source.file), signal) };
  }
  const { textShare = 0.2, scenes = 800, rolloutsPerScene = 4, reflectionRate = 0.5 } = source;
  return { kind: 'shapes_world', textShare, scenes, rolloutsPerScene, reflectionRate };
}

async function train(signal: AbortSignal): Promise<void> {
  const call = readCall();
  const { run, config } = await readConfig(call.config);
  const { id, files } = await findModel(run.model);
  const source = await sourceOf(run, call.config, signal);
  const gpu = await acquireDevice({ gpu: createNodeGpu() });
  log(`${id} on ${gpu.traits.description}${gpu.traits.software ? ' (software)' : ''}`);
  const reasoner = await Reasoner.load(gpu, files, { signal });
  try {
    const start = run.adapter
      ? await readAdapter(resolve(dirname(call.config), run.adapter), reasoner.model.config)
      : null;
    const request = { ...config, method: call.method, mode: run.mode, source, start };
    await runTraining(call, run, { reasoner, files }, request, signal);
  } finally {
    await closeDevice(gpu, reasoner);
  }
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
  const about = { settings: settingsKey(run, request), base: await baseFingerprint(files) };
  if (!call.resume) await folder.refuseRun();
  const checkpoint = call.resume ? await folder.readCheckpoint(about) : null;
  for (const name of ['metrics.jsonl', 'groups.jsonl', 'samples.jsonl'])
    await folder.truncateMetrics(name, checkpoint?.step ?? 0);
  const onPhase = (phase: string, fraction: number | null): void =>
    log(`${phase}${fraction === null ? '' : ` ${Math.round(100 * fraction)} %`}`);
  const onLeftOut = (rows: LeftOutRows): void => {
    const message = leftOutMessage(rows);
    if (message !== null) log(message);
  };
  const trainer = await createTrainer(reasoner, { ...request, checkpoint }, { signal, onPhase, onLeftOut });
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
      { config, weights },
      { loraDropout: request.lora.loraDropout, baseModel: run.model },
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

await runCommand(USAGE, train);
