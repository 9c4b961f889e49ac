// Trainers made for the pocket model: from the built-in world and from rows, what is refused without leaving memory behind,
// and the adapter that a reasoner answers with.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { ArgumentError, DataError, ModelError } from '../../src/lib/errors';
import { createPrng } from '../../src/lib/prng';
import type { RewardCall, RewardWorker } from '../../src/lookback/custom_reward';
import { greedy, Reasoner } from '../../src/lookback/reasoner';
import type { LeftOutRows, RowSource, TrainingRow } from '../../src/lookback/row_examples';
import { createTrainer, type TrainerMaking, type TrainingRequest } from '../../src/lookback/training';
import { loraConfigOf } from '../../src/lookback/training_adapter';
import { labelledSource, promptSource } from '../../src/lookback/training_examples';
import { initialLoraWeights, LoraAdapter } from '../../src/model/lora';
import { ALL_PROJECTIONS, DEFAULT_TRAIN_CONFIG } from '../../src/settings/train_settings';
import { noise } from '../harness/check_op';
import { testGpu } from '../harness/gpu';
import { maxDifference } from '../harness/model_fixture';
import { hasModel, pocketFiles } from '../harness/pocket';

const MODEL = 'pocket';
const image = {
  width: 48,
  height: 48,
  channels: 3,
  data: Uint8Array.from({ length: 48 * 48 * 3 }, (_, at) => (at * 7) % 256),
};
const ROWS: readonly TrainingRow[] = ['so 3.', null, 'so 4.', null, 'so 5.'].map((thought, index) => ({
  image,
  question: `How many red circles are there? add ${index}.`,
  answer: `${3 + index}`,
  response: thought && `<think> ${thought} </think> \\boxed{ ${3 + index} }`,
  columns: { level: index },
}));

function rowsOf(rows: readonly TrainingRow[]): { kind: 'rows'; rows: RowSource } {
  return { kind: 'rows', rows: { count: rows.length, read: async (position) => rows[position]! } };
}

const REQUEST: TrainingRequest = {
  ...DEFAULT_TRAIN_CONFIG,
  lora: { r: 2, loraAlpha: 4, loraDropout: 0, targetModules: ALL_PROJECTIONS },
  optim: { ...DEFAULT_TRAIN_CONFIG.optim, learningRate: 1e-2, lrSchedulerType: 'constant' },
  maxSteps: 4,
  seed: 1,
  method: 'sft',
  mode: 'semantic',
  source: rowsOf(ROWS),
  heldOut: null,
  start: null,
  checkpoint: null,
  sft: { ...DEFAULT_TRAIN_CONFIG.sft, batchSize: 3 },
  grpo: { ...DEFAULT_TRAIN_CONFIG.grpo, promptsPerStep: 1, numGenerations: 2, maxCompletionLength: 8 },
};

let gpu: GpuContext;
let reasoner: Reasoner | undefined;
beforeAll(async () => {
  gpu = await testGpu();
  if (await hasModel(MODEL)) reasoner = await Reasoner.load(gpu, pocketFiles(MODEL));
});
beforeEach((context) => {
  if (reasoner === undefined) context.skip('this model is not in the repository');
});
afterAll(async () => {
  reasoner?.destroy();
  await gpu.fence();
});

describe('a trainer of rows', () => {
  it('imitates the rows that have a response, and the loss falls', async () => {
    const before = gpu.counters.bufferBytes;
    const phases = new Set<string>();
    const leftOut: unknown[] = [];
    const trainer = await createTrainer(reasoner!, REQUEST, {
      onPhase: (phase) => phases.add(phase),
      onLeftOut: (rows) => leftOut.push(rows),
    });
    expect(leftOut).toMatchObject([{ rows: 5, withoutResponse: 2, tooLong: 0 }]);
    const losses = [];
    for (let step = 1; step <= REQUEST.maxSteps; step++) {
      const { metrics } = await trainer.runStep({});
      // Three of five rows have a response: a batch of three is an epoch.
      expect(metrics.epoch).toBe(step);
      losses.push(metrics.loss!);
    }
    expect(losses.at(-1)).toBeLessThan(0.85 * losses[0]!);
    expect(phases).toContain('reading the dataset');
    trainer.destroy();
    expect(gpu.counters.bufferBytes).toBe(before);
  });

  it('asks them in GRPO, and reports TRL’s and Look-Back’s metrics', async () => {
    const own = { custom: 0.2, visual_dependence: 0.1 };
    const rewardWeights = { ...REQUEST.grpo.rewardWeights, format: 0, length: 0.5, ...own };
    const grpo = { ...REQUEST.grpo, beta: 0.1, rewardWeights, customReward: 'source' };
    const calls: RewardCall[] = [];
    const openReward = (): RewardWorker => ({
      ready: Promise.resolve(),
      call: async (call) => ({ score: calls.push(call), why: '' }),
      terminate: () => undefined,
    });
    const trainer = await createTrainer(reasoner!, { ...REQUEST, method: 'grpo', grpo, openReward });
    // It was tried on the first row, whose columns it may read.
    expect(calls).toMatchObject([{ sample: { question: ROWS[0]!.question, columns: { level: 0 } } }]);
    const { groups, metrics, finite } = await trainer.runStep({});
    expect(finite).toBe(true);
    expect(groups).toHaveLength(1);
    const row = ROWS[groups![0]!.key]!;
    expect(groups![0]).toMatchObject({ question: row.question, expected: row.answer });
    expect(groups![0]!.completions).toHaveLength(2);
    const { question, columns } = row;
    const sample = { question, columns, kind: 'row', pictures: 1, expected: row.answer };
    expect(calls.slice(1)).toMatchObject([{ sample }, { sample }]);
    const rewards = ['accuracy', 'length', 'visual_dependence', 'custom'].map(
      (name) => `rewards/${name}/mean`,
    );
    for (const name of ['reward', ...rewards, 'kl', 'look_back/trigger_rate'])
      expect(metrics).toHaveProperty([name], expect.any(Number));
    expect(metrics).not.toHaveProperty(['rewards/format/mean']);
    // The reference is the base, and so is a fresh adapter.
    expect(Math.abs(metrics.kl!)).toBeLessThan(1e-9);
    trainer.destroy();
  });

  it('asks and imitates them with their system texts', async () => {
    const source = rowsOf([{ ...ROWS[0]!, system: 'count red circles' }, ROWS[2]!]);
    const making = {
      base: reasoner!,
      request: { ...REQUEST, source },
      hooks: {},
    } as unknown as TrainerMaking;
    const { tokenizer } = reasoner!.processor;
    for (const examples of [await promptSource(making), await labelledSource(making)]) {
      const prompts = [await examples.read(0), await examples.read(1)].map(({ prompt }) => prompt.inputIds);
      expect(prompts.map((ids) => /count red circles <\|im_end/.test(tokenizer.decode(ids)))).toEqual([
        true,
        false,
      ]);
    }
  });

  it('refuses GRPO before it starts when no row leaves room for an answer', async () => {
    const grpo = { ...REQUEST.grpo, maxCompletionLength: reasoner!.maxTokens };
    await expect(createTrainer(reasoner!, { ...REQUEST, method: 'grpo', grpo })).rejects.toMatchObject({
      code: 'data/prompt-length',
    });
  });

  it('goes on past a picture that does not decode, and counts it, by both methods', async () => {
    const rows: RowSource = {
      count: ROWS.length + 1,
      read: async (position) => {
        const row = ROWS[position - 1];
        if (row === undefined) throw new DataError('data/image', 'The picture is cut off.');
        return row;
      },
    };
    for (const method of ['sft', 'grpo'] as const) {
      const seen: LeftOutRows[] = [];
      const onLeftOut = (leftOut: LeftOutRows): number => seen.push(leftOut);
      const request = { ...REQUEST, method, source: { kind: 'rows', rows } } as const;
      const trainer = await createTrainer(reasoner!, request, { onLeftOut });
      expect((await trainer.runStep({})).finite).toBe(true);
      expect(seen).toEqual([expect.objectContaining({ rows: ROWS.length + 1, unreadable: 1 })]);
      trainer.destroy();
    }
  });

  it('goes on from an adapter, and from a checkpoint', async () => {
    const config = loraConfigOf(REQUEST, '');
    const { config: model } = reasoner!.model;
    const weights = initialLoraWeights(model, config, createPrng(3)).map((own, index) => ({
      ...own,
      b: noise(own.b.length, index),
    }));
    const first = await createTrainer(reasoner!, { ...REQUEST, start: { config, weights } });
    const start = await first.checkpoint();
    expect(start.adapter.subarray(0, weights[0]!.a.length)).toEqual(weights[0]!.a);
    await first.runStep({});
    const checkpoint = await first.checkpoint();
    const second = await createTrainer(reasoner!, { ...REQUEST, checkpoint });
    expect(second.step).toBe(1);
    const wanted = await first.runStep({});
    expect((await second.runStep({})).metrics.loss).toBe(wanted.metrics.loss);
    const [found, good] = [await second.checkpoint(), await first.checkpoint()];
    expect(maxDifference(found.adapter, good.adapter)).toBe(0);
    first.destroy();
    second.destroy();
  });
});

describe('a trainer of the built-in world', () => {
  const source = {
    kind: 'shapes_world',
    pictures: 'both',
    questions: 'all',
    looks: 'one',
    chains: 'own',
    textShare: 0.2,
    scenes: 4,
    rolloutsPerScene: 2,
    reflectionRate: 1,
  } as const;
  const cold = {
    ...REQUEST,
    source,
    sft: { ...REQUEST.sft, batchSize: 2, maxCompletionLength: 64 },
    grpo: { ...REQUEST.grpo, maxCompletionLength: 64 },
  };

  it('samples a cold start and trains on it', async () => {
    const phases: [string, number | null][] = [];
    const trainer = await createTrainer(reasoner!, cold, { onPhase: (...phase) => phases.push(phase) });
    expect(phases[0]).toEqual(['sampling a cold start', 0]);
    const { metrics, finite } = await trainer.runStep({});
    expect(finite).toBe(true);
    expect(metrics.loss).toBeGreaterThan(0);
    // A look back in every response: longer than a bare answer.
    expect(metrics.step_tokens).toBeGreaterThan(40);
    trainer.destroy();
  });

  it('asks without end in GRPO', async () => {
    const trainer = await createTrainer(reasoner!, { ...REQUEST, source, method: 'grpo' });
    const keys = [];
    for (let step = 0; step < 2; step++) keys.push((await trainer.runStep({})).groups![0]!.key);
    expect(keys).toEqual([0, 1]);
    trainer.destroy();
  });

  it('stops preparing when asked', async () => {
    const before = gpu.counters.bufferBytes;
    const reason = new Error('enough');
    const stop = new AbortController();
    const turn = async (): Promise<void> => stop.abort(reason);
    await expect(createTrainer(reasoner!, cold, { signal: stop.signal, turn })).rejects.toBe(reason);
    expect(gpu.counters.bufferBytes).toBe(before);
  });
});

describe('what cannot be trained', () => {
  const grpo = (settings: Partial<TrainingRequest['grpo']>): Partial<TrainingRequest> => ({
    method: 'grpo',
    grpo: { ...REQUEST.grpo, ...settings },
  });
  const wrong = new Float32Array(8);

  it.each<[string, Partial<TrainingRequest>, new (...args: never[]) => Error, RegExp]>([
    [
      'an unknown reward',
      grpo({ rewardWeights: { ...REQUEST.grpo.rewardWeights, niceness: 1 } as never }),
      ArgumentError,
      /niceness/,
    ],
    ['a group of one', grpo({ numGenerations: 1 }), ArgumentError, /numGenerations/],
    ['a held-out set of all', { evalSteps: 1, evalSize: 3 }, ArgumentError, /none is left/],
    [
      'rows without responses',
      { source: rowsOf(ROWS.filter(({ response }) => !response)) },
      DataError,
      /2 rows/,
    ],
    ['responses that are too long', { sft: { ...REQUEST.sft, maxLength: 4 } }, DataError, /at most 4 tokens/],
    ['no rows', { ...grpo({}), source: rowsOf([]) }, DataError, /no rows/],
    [
      'targets that match nothing',
      { lora: { ...REQUEST.lora, targetModules: 'x' } },
      ModelError,
      /matches no/,
    ],
    [
      'a checkpoint of another shape',
      { checkpoint: { step: 1, adapter: wrong, m: wrong, v: wrong } },
      ModelError,
      /holds 8 values/,
    ],
  ])('is refused by name and leaves no memory behind: %s', async (_, changes, type, message) => {
    const before = gpu.counters.bufferBytes;
    const error = await createTrainer(reasoner!, { ...REQUEST, ...changes }).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toMatch(message);
    expect(gpu.counters.bufferBytes).toBe(before);
  });
});

describe('Reasoner.setAdapter', () => {
  it('answers with the adapter at its strength, and with the base without it', async () => {
    const own = reasoner!;
    const config = loraConfigOf(REQUEST, '');
    const weights = initialLoraWeights(own.model.config, config, createPrng(4)).map((pair, index) => ({
      ...pair,
      // Large enough to change what a sure model says.
      b: noise(pair.b.length, index).map((value) => 8 * value),
    }));
    const adapter = LoraAdapter.create(gpu, config, own.model.config, weights, false);
    const prepared = own.prepare({ image, text: 'How many red circles are there?', mode: 'cot' });
    const say = async (): Promise<string> => {
      const request = { prepared, sampling: greedy(12) };
      const [answer] = await own.answerBatch([request], 1, { capture: 'none' });
      return answer!.ids.join();
    };
    const base = await say();
    own.setAdapter(adapter);
    adapter.setStrength(0);
    expect(await say()).toBe(base);
    adapter.setStrength(1);
    expect(await say()).not.toBe(base);
    own.setAdapter(null);
    expect(await say()).toBe(base);
    own.closeSession();
    adapter.destroy();
  });
});
