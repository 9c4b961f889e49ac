// Computes the training stages of a Qwen2.5-VL fixture folder through the training programs of src/train: LoRA
// logits, loss and gradients, AdamW steps, GRPO losses and gradients.

import type { GpuContext } from '../../src/gpu/device';
import { packAdamw } from '../../src/kernels/adamw';
import { LoraAdapter } from '../../src/model/lora';
import { readLora } from '../../src/model/peft_reader';
import { packVision } from '../../src/model/prompt_packing';
import { buildVisionProgram, type VisionProgram } from '../../src/model/prompt_program';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import { packLabelled } from '../../src/train/packing';
import { buildUpdateProgram } from '../../src/train/train_program';
import type { ComputedRow, Wanted } from './computed_row';
import type { FixtureDir, TensorSpec } from './fixture_dir';
import { grpoRows } from './grpo';
import {
  type ParityWeights,
  type Prompt,
  readPrompt,
  runPrompt,
  selectRows,
  storedWeights,
} from './prompt_run';
import { type Bench, prepare, readArena, row } from './train_run';

const LORA = 'lora.safetensors';

/** Rows of the stages lora, adamw and grpo. */
export async function* trainRows(
  gpu: GpuContext,
  dir: FixtureDir,
  wanted: Wanted,
  { files, precision }: ParityWeights = storedWeights(dir),
): AsyncGenerator<ComputedRow> {
  const asked = dir.ofStages(['lora', 'adamw', 'grpo'], wanted);
  if (asked.length === 0 || !dir.has('config.json') || !dir.has('adapter/adapter_config.json')) return;
  const model = await VisionLanguageModel.load(gpu, files, { precision });
  const prompt = await readPrompt(dir);
  const vision = await encode(model, prompt);
  const file = await dir.safetensors('adapter/adapter_model.safetensors');
  const { config, weights } = await readLora(dir.json('adapter/adapter_config.json'), file, model.config);
  const adapter = async (): Promise<LoraAdapter> =>
    LoraAdapter.create(gpu, config, model.config, weights, true);
  const bench: Bench = { gpu, dir, model, prompt, vision, adapter };
  yield* loraRows(
    bench,
    asked.filter(({ stage }) => stage === 'lora'),
  );
  yield* adamwRows(
    bench,
    asked.filter(({ stage }) => stage === 'adamw'),
  );
  yield* grpoRows(
    bench,
    asked.filter(({ stage }) => stage === 'grpo'),
  );
  vision?.destroy();
  model.destroy();
}

async function encode(model: VisionLanguageModel, prompt: Prompt): Promise<VisionProgram | undefined> {
  const patches = prompt.images.reduce((sum, { gridThw: [t, h, w] }) => sum + t * h * w, 0);
  if (patches === 0) return undefined;
  const vision = await buildVisionProgram(model.device, patches);
  for (const [name, data] of Object.entries(packVision(prompt.images, model.config, patches)))
    vision.program.write(name, data);
  await vision.program.run();
  return vision;
}

/** The prompt with its labels, and the rows that predict a labelled token. */
async function supervised({ dir, prompt, model }: Bench) {
  const given = (await dir.read({ file: LORA, name: 'labels' })) as Int32Array;
  const rows = [...given.keys()].filter((at) => at > 0 && (given[at] ?? -1) >= 0).map((at) => at - 1);
  const labels = rows.map((row) => given[row + 1] ?? 0);
  return { packed: packLabelled([{ prompt, labels: [...given] }], model.config), rows, labels };
}

/** `….q_proj.dA` → `….q_proj.A`. */
function parameterOf(name: string): string | undefined {
  return /\.d([AB])$/.test(name) ? name.replace(/\.d([AB])$/, '.$1') : undefined;
}

async function* loraRows(bench: Bench, specs: readonly TensorSpec[]): AsyncGenerator<ComputedRow> {
  if (specs.length === 0) return;
  const { gpu, dir, model, prompt } = bench;
  const { packed, rows, labels } = await supervised(bench);
  const streams = specs.flatMap(({ name }) => /^d_(layer_in\.\d+|pre_norm)$/.exec(name)?.[1] ?? []);
  const options = { objective: 'sft', gradientTaps: streams.map((name) => `text.${name}`) } as const;
  const run = await prepare(bench, packed, options);
  run.program.write('weights', new Float32Array(rows.length).fill(-1 / rows.length));
  await run.program.run();
  const gradients = await readArena(bench, run, 'gradient');
  const logp = (await run.program.read('logp')) as Float32Array;
  const lse = (await run.program.read('lse')) as Float32Array;
  // All of it is read before another program runs in the same memory.
  const taps = new Map<string, Float32Array>();
  for (const name of streams) taps.set(name, (await run.program.read(`d text.${name}`)) as Float32Array);
  const adapted = { ...model.device, weights: run.adapter.applyTo(model.weights) };
  const whole = await runPrompt(gpu, adapted, prompt);
  const logits = await whole.read('logits');
  const { vocabSize } = model.config.text;
  for (const spec of specs) {
    const parameter = parameterOf(spec.name);
    if (parameter) yield row(spec, gradients.get(parameter) ?? new Float32Array(0));
    else if (spec.name === 'logits') {
      const wantedRows = (await dir.read({ file: LORA, name: 'rows' })) as Int32Array;
      yield row(spec, selectRows(logits, vocabSize, wantedRows));
    } else if (spec.name === 'loss')
      yield row(spec, Float32Array.of(-logp.reduce((a, b) => a + b, 0) / rows.length));
    else if (spec.name === 'supervised_rows') yield row(spec, Int32Array.from(rows));
    else if (spec.name === 'd_logits') {
      yield row(spec, logitGradient(selectRows(logits, vocabSize, rows), lse, labels));
    } else if (spec.name.startsWith('d_')) {
      yield row(spec, taps.get(spec.name.slice(2)) ?? new Float32Array(0));
    }
  }
  whole.destroy();
  run.destroy();
}

/** (softmax − onehot) / rows from the engine's logits and log-sum-exp. */
function logitGradient(logits: Float32Array, lse: Float32Array, labels: readonly number[]): Float32Array {
  const vocab = logits.length / labels.length;
  return logits.map((value, index) => {
    const at = Math.floor(index / vocab);
    return (Math.exp(value - (lse[at] ?? 0)) - (labels[at] === index % vocab ? 1 : 0)) / labels.length;
  });
}

async function* adamwRows(bench: Bench, specs: readonly TensorSpec[]): AsyncGenerator<ComputedRow> {
  const { dir } = bench;
  for (const [suffix, maxNorm] of [
    ['step3', 0],
    ['step3_clip', 1],
  ] as const) {
    const mine = specs.filter(({ name }) => name.startsWith(`${suffix}.`) || name.endsWith(`.${suffix}`));
    if (mine.length === 0) continue;
    const hparams = (await dir.read({ file: LORA, name: 'adamw.hparams' })) as Float32Array;
    const result = await threeSteps(bench, hparams, maxNorm);
    for (const spec of mine) {
      if (spec.name === `${suffix}.losses`) yield row(spec, Float32Array.from(result.losses));
      else if (spec.name === `${suffix}.grad_norms`) yield row(spec, Float32Array.from(result.norms));
      else yield row(spec, result.adapter.get(spec.name.slice(0, -suffix.length - 1)) ?? new Float32Array(0));
    }
  }
}

async function threeSteps(bench: Bench, hparams: Float32Array, maxNorm: number) {
  const { packed, rows } = await supervised(bench);
  const run = await prepare(bench, packed, { objective: 'sft', checkpointLayers: true });
  const update = await buildUpdateProgram(bench.gpu, run.adapter, run.state, maxNorm);
  run.program.write('weights', new Float32Array(rows.length).fill(-1 / rows.length));
  // f32 hyperparameters stand for the decimals that were meant: 0.9, not 0.8999999762.
  const [lr = 0, beta1 = 0, beta2 = 0, eps = 0, weightDecay = 0] = Array.from(hparams, (value) =>
    Number(value.toPrecision(7)),
  );
  const losses: number[] = [];
  const norms: number[] = [];
  for (let step = 1; step <= 4; step++) {
    await run.program.run();
    const logp = (await run.program.read('logp')) as Float32Array;
    losses.push(-logp.reduce((a, b) => a + b, 0) / rows.length);
    if (step === 4) break;
    update.write('hparams', packAdamw({ lr, beta1, beta2, eps, weightDecay, step }));
    await update.run();
    norms.push((await update.read('clip'))[1] ?? Number.NaN);
  }
  const adapter = await readArena(bench, run, 'adapter');
  update.destroy();
  run.destroy();
  return { losses, norms, adapter };
}
