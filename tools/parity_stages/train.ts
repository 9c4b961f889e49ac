// Computes the training stages of a Qwen2.5-VL fixture folder through the training programs of src/train: LoRA
// logits, loss and gradients, AdamW steps, GRPO losses and gradients.

import type { GpuContext } from '../../src/gpu/device';
import { packAdamw } from '../../src/kernels/adamw';
import { LoraAdapter, type LoraWeights, parseLoraConfig, readLoraWeights } from '../../src/model/lora';
import { packVision } from '../../src/model/prompt_packing';
import { buildVisionProgram, type VisionProgram } from '../../src/model/prompt_program';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import type { GrpoLossType } from '../../src/settings/train_settings';
import type { Program } from '../../src/tensor/program';
import { readTensor } from '../../src/tensor/tensor_memory';
import { groupAdvantages, tokenWeights } from '../../src/train/losses';
import {
  type CompletionGroup,
  type PackedCompletions,
  packCompletions,
  packLabelled,
} from '../../src/train/packing';
import {
  buildTrainProgram,
  buildUpdateProgram,
  createOptimizerState,
  type TrainOptions,
} from '../../src/train/train_program';
import type { CpuRow, Wanted } from './cpu';
import type { FixtureDir, TensorSpec } from './fixture_dir';
import { type ParityWeights, type Prompt, readPrompt, runPrompt, selectRows, storedWeights } from './model';

const LORA = 'lora.safetensors';
const GRPO = 'grpo.safetensors';
const LOSS_TYPES: readonly GrpoLossType[] = ['grpo', 'bnpo', 'dr_grpo', 'dapo'];

/** What every training stage needs. */
interface Bench {
  readonly gpu: GpuContext;
  readonly dir: FixtureDir;
  readonly model: VisionLanguageModel;
  readonly prompt: Prompt;
  readonly vision: VisionProgram | undefined;
  adapter(): Promise<LoraAdapter>;
}

/** Rows of the stages lora, adamw and grpo. */
export async function* trainRows(
  gpu: GpuContext,
  dir: FixtureDir,
  wanted: Wanted,
  { files, precision }: ParityWeights = storedWeights(dir),
): AsyncGenerator<CpuRow> {
  const asked = dir
    .toCompare()
    .filter(({ stage, name }) => ['lora', 'adamw', 'grpo'].includes(stage) && wanted(stage, name));
  if (asked.length === 0 || !dir.has('config.json') || !dir.has('adapter/adapter_config.json')) return;
  const model = await VisionLanguageModel.load(gpu, files, { precision });
  const prompt = await readPrompt(dir);
  const vision = await encode(model, prompt);
  const config = parseLoraConfig(dir.json('adapter/adapter_config.json'));
  const file = await dir.safetensors('adapter/adapter_model.safetensors');
  const weights: LoraWeights[] = await readLoraWeights(file, config, model.config);
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
  for (const [name, data] of Object.entries(packVision(prompt.images, model.config.vision, patches)))
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

interface TrainRun {
  readonly program: Program;
  readonly adapter: LoraAdapter;
  readonly state: ReturnType<typeof createOptimizerState>;
  readonly packed: PackedCompletions;
  destroy(): void;
}

/** Builds a training program over packed sequences and writes its inputs. */
async function prepare(bench: Bench, packed: PackedCompletions, options: TrainOptions): Promise<TrainRun> {
  const { gpu, model, vision } = bench;
  const shape = { tokens: packed.tokens, rows: packed.rows };
  const adapter = await bench.adapter();
  const state = createOptimizerState(gpu, adapter);
  const program = await buildTrainProgram(model.device, adapter, state, shape, vision?.features, options);
  for (const [name, data] of Object.entries(packed.inputs(shape.tokens, shape.rows)))
    if (program.hasInput(name)) program.write(name, data);
  const destroy = (): void => {
    program.destroy();
    state.destroy();
    adapter.destroy();
  };
  return { program, adapter, state, packed, destroy };
}

/** Values of adapter tensors, or of the same places of another arena, by golden name. */
async function readArena(
  bench: Bench,
  run: TrainRun,
  arena: 'adapter' | 'gradient',
): Promise<Map<string, Float32Array>> {
  const all = await readTensor(bench.gpu, arena === 'adapter' ? run.adapter.arena : run.state.gradient);
  return new Map(
    run.adapter.tensors().map(({ name, tensor }) => {
      const at = (tensor.region?.offset ?? 0) / 4;
      return [name, all.slice(at, at + tensor.shape.reduce((a, b) => a * b, 1))];
    }),
  );
}

function row({ stage, file, name, shape }: TensorSpec, actual: CpuRow['actual']): CpuRow {
  return { stage, file, tensor: name, actual, shape };
}

/** `….q_proj.dA` → `….q_proj.A`. */
function parameterOf(name: string): string | undefined {
  return /\.d([AB])$/.test(name) ? name.replace(/\.d([AB])$/, '.$1') : undefined;
}

async function* loraRows(bench: Bench, specs: readonly TensorSpec[]): AsyncGenerator<CpuRow> {
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
      yield row(spec, (await run.program.read(`d text.${spec.name.slice(2)}`)) as Float32Array);
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

async function* adamwRows(bench: Bench, specs: readonly TensorSpec[]): AsyncGenerator<CpuRow> {
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

interface GrpoCase {
  readonly group: CompletionGroup;
  readonly lengths: number[];
  /** Spreads packed values over [G, width], zero where padded. */
  spread(values: ArrayLike<number>): Float32Array;
  /** Picks the live values of a [G, width] tensor. */
  pack(values: ArrayLike<number>): Float32Array;
}

async function readCase({ dir, prompt }: Bench): Promise<GrpoCase> {
  const ids = (await dir.read({ file: GRPO, name: 'completion_ids' })) as Int32Array;
  const mask = (await dir.read({ file: GRPO, name: 'completion_mask' })) as Uint8Array;
  const inputIds = [...((await dir.read({ file: GRPO, name: 'prompt_ids' })) as Int32Array)];
  const [count = 0, width = 0] = dir.find(GRPO, 'completion_ids')?.shape ?? [];
  const live = Array.from({ length: count * width }, (_, i) => i).filter((i) => mask[i] === 1);
  const completions = Array.from({ length: count }, (_, g) =>
    live.filter((i) => Math.floor(i / width) === g).map((i) => ids[i] ?? 0),
  );
  return {
    group: { prompt: { ...prompt, inputIds }, completions },
    lengths: completions.map(({ length }) => length),
    spread: (values) => {
      const out = new Float32Array(count * width);
      live.forEach((at, index) => {
        out[at] = values[index] ?? Number.NaN;
      });
      return out;
    },
    pack: (values) => Float32Array.from(live, (at) => values[at] ?? Number.NaN),
  };
}

async function* grpoRows(bench: Bench, specs: readonly TensorSpec[]): AsyncGenerator<CpuRow> {
  if (specs.length === 0) return;
  const grpo = await readCase(bench);
  const results = new Map<string, Float32Array>();
  await scoreLogps(bench, grpo, results);
  const { dir } = bench;
  const rewards = (await dir.read({ file: GRPO, name: 'rewards' })) as Float32Array;
  results.set('advantages', Float32Array.from(groupAdvantages(rewards, { scaling: 'group' })));
  results.set(
    'advantages_std_floor',
    Float32Array.from(groupAdvantages(rewards, { scaling: 'std_floor', floor: 0.25 })),
  );
  await groupRows(dir, results);
  await lossRows(bench, grpo, results);
  for (const spec of specs) {
    const actual = results.get(spec.name);
    if (actual) yield row(spec, actual);
  }
}

async function groupRows(dir: FixtureDir, results: Map<string, Float32Array>): Promise<void> {
  const shape = dir.find(GRPO, 'groups.rewards')?.shape;
  if (!shape) return;
  const rewards = (await dir.read({ file: GRPO, name: 'groups.rewards' })) as Float32Array;
  const size = shape[1] ?? 1;
  for (const [name, scaling] of [
    ['groups.advantages', 'group'],
    ['groups.advantages_std_floor', 'std_floor'],
  ] as const) {
    const all = Array.from({ length: rewards.length / size }, (_, g) => [
      ...groupAdvantages(rewards.subarray(g * size, (g + 1) * size), { scaling, floor: 0.25 }),
    ]);
    results.set(name, Float32Array.from(all.flat()));
  }
}

/** Log-probabilities and entropies at temperature 1 and 0.7, and of the reference (adapter off). */
async function scoreLogps(bench: Bench, grpo: GrpoCase, results: Map<string, Float32Array>): Promise<void> {
  for (const [temperature, suffix] of [
    [1, ''],
    [0.7, '_t07'],
  ] as const) {
    const run = await prepare(bench, packCompletions([grpo.group], bench.model.config), {
      objective: 'score',
      temperature,
    });
    await run.program.run();
    for (const [output, name] of [
      ['logp', 'logps'],
      ['entropy', 'entropy'],
    ] as const) {
      results.set(`${name}${suffix}`, grpo.spread(await run.program.read(output)));
    }
    if (suffix === '') {
      run.adapter.setStrength(0);
      await run.program.run();
      results.set('ref_logps', grpo.spread(await run.program.read('logp')));
    }
    run.destroy();
  }
}

/** Every loss type: loss with and without KL, other advantages, two micro-batches, gradients. */
async function lossRows(bench: Bench, grpo: GrpoCase, results: Map<string, Float32Array>): Promise<void> {
  const { dir } = bench;
  const read = async (name: string): Promise<Float32Array> =>
    (await dir.read({ file: GRPO, name })) as Float32Array;
  // Shortest decimals again: 0.2, not 0.2000000030.
  const [low = 0, high = 0, beta = 0, maxLength = 0] = Array.from(await read('hparams'), (value) =>
    Number(value.toPrecision(7)),
  );
  const given = {
    old_logp: grpo.pack(await read('old_logps')),
    ref_logp: grpo.pack(await read('ref_logps')),
  };
  const run = await prepare(bench, packCompletions([grpo.group], bench.model.config), { objective: 'grpo' });
  for (const [name, data] of Object.entries(given)) run.program.write(name, data);
  const perToken = (values: ArrayLike<number>): Float32Array =>
    Float32Array.from(grpo.lengths.flatMap((length, g) => new Array<number>(length).fill(values[g] ?? 0)));
  const evaluate = async (weights: ArrayLike<number>, advantages: ArrayLike<number>, kl: number) => {
    const tokens = perToken(weights);
    run.program.write('weights', tokens);
    run.program.write('advantages', perToken(advantages));
    run.program.write('grpo_settings', Float32Array.of(low, high, kl));
    await run.program.run();
    const terms = (await run.program.read('grpo_terms')) as Float32Array;
    const loss = tokens.reduce((sum, weight, i) => sum + weight * (terms[4 * i] ?? 0), 0);
    return { terms, loss, dlogp: grpo.spread(await run.program.read('dlogp')) };
  };
  const advantages = results.get('advantages') ?? [];
  for (const type of LOSS_TYPES) {
    const settings = { type, maxCompletionLength: maxLength };
    const weights = tokenWeights(grpo.lengths, settings);
    const whole = await evaluate(weights, advantages, beta);
    results.set(`loss.${type}`, Float32Array.of(whole.loss));
    results.set(`d_logps.${type}`, whole.dlogp);
    for (const [name, values] of await readArena(bench, run, 'gradient'))
      results.set(`${type}.${name.replace(/\.([AB])$/, '.d$1')}`, values);
    if (type === 'grpo') tokenResults(grpo, whole.terms, results);
    results.set(`loss_beta0.${type}`, Float32Array.of((await evaluate(weights, advantages, 0)).loss));
    results.set(
      `loss_std_floor.${type}`,
      Float32Array.of((await evaluate(weights, results.get('advantages_std_floor') ?? [], beta)).loss),
    );
    await microBatches(grpo, settings, (part) => evaluate(part, advantages, beta), results);
  }
  run.destroy();
}

function tokenResults(grpo: GrpoCase, terms: Float32Array, results: Map<string, Float32Array>): void {
  const column = (index: number): Float32Array =>
    Float32Array.from({ length: terms.length / 4 }, (_, i) => terms[4 * i + index] ?? Number.NaN);
  const [loss, ratio, kl, side] = [column(0), column(1), column(2), column(3)];
  results.set('per_token_loss', grpo.spread(loss));
  results.set('ratio', grpo.spread(ratio));
  results.set('kl', grpo.spread(kl));
  const mean = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0) / kl.length;
  const entropy = grpo.pack(results.get('entropy') ?? []);
  results.set(
    'metrics',
    Float32Array.of(
      mean(kl),
      mean(side.map((s) => (s < 0 ? 1 : 0))),
      mean(side.map((s) => (s > 0 ? 1 : 0))),
      mean(entropy),
    ),
  );
}

/** The first and the second half of the completions as two accumulation steps. */
async function microBatches(
  grpo: GrpoCase,
  settings: { readonly type: GrpoLossType; readonly maxCompletionLength: number },
  evaluate: (weights: ArrayLike<number>) => Promise<{ loss: number; dlogp: Float32Array }>,
  results: Map<string, Float32Array>,
): Promise<void> {
  const half = Math.ceil(grpo.lengths.length / 2);
  const step = {
    ...settings,
    stepCompletions: grpo.lengths.length,
    stepTokens: grpo.lengths.reduce((a, b) => a + b, 0),
    microBatches: 2,
  };
  const losses: number[] = [];
  let dlogps = new Float32Array(0);
  for (const [from, to] of [
    [0, half],
    [half, grpo.lengths.length],
  ] as const) {
    const lengths = grpo.lengths.map((length, g) => (g >= from && g < to ? length : 0));
    const { loss, dlogp } = await evaluate(tokenWeights(lengths, step));
    losses.push(loss);
    dlogps =
      dlogps.length === 0 ? Float32Array.from(dlogp) : dlogps.map((value, i) => value + (dlogp[i] ?? 0));
  }
  results.set(`accumulated.${settings.type}`, Float32Array.from(losses));
  results.set(`accumulated.d_logps.${settings.type}`, dlogps);
}
