// Computes the grpo stage of a fixture folder: log-probabilities, advantages, and every type of loss with its gradients.

import type { GrpoLossType } from '../../src/settings/train_settings';
import { groupAdvantages, tokenWeights } from '../../src/train/losses';
import { type CompletionGroup, packCompletions } from '../../src/train/packing';
import type { ComputedRow } from './computed_row';
import type { FixtureDir, TensorSpec } from './fixture_dir';
import { type Bench, prepare, readArena, row } from './train_run';

const GRPO = 'grpo.safetensors';
const LOSS_TYPES: readonly GrpoLossType[] = ['grpo', 'bnpo', 'dr_grpo', 'dapo'];

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

/** Rows of the grpo stage. */
export async function* grpoRows(bench: Bench, specs: readonly TensorSpec[]): AsyncGenerator<ComputedRow> {
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
