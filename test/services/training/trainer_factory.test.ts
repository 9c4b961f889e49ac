// Making trainers: rows or world, the adapter to continue, what lies beside a checkpoint, and refusals.
import { describe, expect, it } from 'vitest';
import type { PixelArray } from '../../../src/data/image/pillow_resize';
import { DataError, StorageError } from '../../../src/lib/errors';
import type { TrainingRequest } from '../../../src/lookback/training';
import type { Loaded } from '../../../src/services/answers/engine';
import { TrainerFactory } from '../../../src/services/training/trainer_factory';
import type { PromptExample } from '../../../src/train/trainer';
import type { TrainingPlan } from '../../../src/worker/protocol/training';
import { scriptedTrainer } from '../../train/scripted_trainer';
import { PRINT, tinyLoaded } from '../library/library_script';
import { BASE, PLAN } from './training_script';

const Q0 = 'model.language_model.layers.0.self_attn.q_proj';
const QKV = 'model.visual.blocks.0.attn.qkv';
const HOOKS = { signal: new AbortController().signal, onPhase: () => undefined, turn: async () => undefined };
const ON_ROWS: TrainingPlan = { ...PLAN, source: { kind: 'dataset', datasetId: 'mine' } };

/** The adapter that the library knows. */
const START = {
  config: { r: 2, loraAlpha: 8, useRslora: true, baseModel: 'b', targetModules: ['q_proj'] },
  weights: [{ module: Q0, a: new Float32Array([1, 2]), b: new Float32Array(1) }],
};

async function factoryOf(rows = 3) {
  const tiny = await tinyLoaded();
  const traits = { description: 'test device', disabledVariants: new Set<string>() };
  const prepare = ({ text }: { text: string }) => {
    return { prompt: { inputIds: [...text].map((_, at) => at), images: [] }, imageTokens: 4 };
  };
  const model = { ...tiny.model, prepare };
  const loaded = { ...tiny, model, gpu: { traits } } as unknown as Loaded;
  const requests: TrainingRequest[] = [];
  const drawn: PixelArray[] = [];
  const examples: PromptExample[] = [];
  const factory = new TrainerFactory({
    createTrainer: async (_, request, { onLeftOut }) => {
      requests.push(request);
      if (request.source.kind === 'rows')
        onLeftOut?.({ rows, unreadable: 0, withoutResponse: 1, tooLong: 0, maxLength: 9 });
      return scriptedTrainer({}, request.checkpoint);
    },
    adapters: {
      startOf: async (id) => {
        if (id === 'tower')
          return { ...START, weights: [...START.weights, { ...START.weights[0]!, module: QKV }] };
        if (id !== 'known') throw new StorageError('storage/missing', 'gone');
        return START;
      },
    },
    datasets: {
      rowSource: async (id) => {
        if (id !== 'mine') throw new StorageError('storage/missing', 'gone');
        const row = { image: { width: 1, height: 1, channels: 3, data: new Uint8Array(3) }, answer: '' };
        return {
          count: rows,
          read: async (position: number) => {
            if (position === 0) throw new DataError('data/image', 'The picture is cut off.');
            return { ...row, question: `row ${position}`, response: null };
          },
        };
      },
      picture: async (id, position) => new Blob([`${id} ${position}`]),
    },
    fingerprintOf: async () => PRINT,
    encodePicture: async (pixels) => {
      drawn.push(pixels);
      return new Blob(['sheet']);
    },
    planMemory: async (_, request, example) => {
      requests.push(request);
      examples.push(example);
      return { parts: [], peak: [], programs: [], trainableParameters: 3 };
    },
  });
  return { factory, loaded, requests, drawn, examples };
}

describe('TrainerFactory', () => {
  it('trains a new adapter on the world', async () => {
    const { factory, loaded, requests, drawn } = await factoryOf();
    const plan = {
      ...PLAN,
      lora: { ...PLAN.lora, loraDropout: 0.1, targetModules: '.*layers\\.0\\..*q_proj' },
    };
    const made = await factory.make(loaded, plan, null, HOOKS);
    expect(requests[0]).toMatchObject({ source: { kind: 'shapes_world' }, start: null, checkpoint: null });
    expect(made.base).toMatchObject({
      ...{ device: 'test device', modelId: 'tiny', fingerprint: PRINT },
      config: { r: plan.lora.r, loraDropout: 0.1, useRslora: false },
    });
    expect(made.base.modules.map(({ module }) => module)).toEqual([Q0]);
    expect(made.notice).toBeNull();
    expect(await (await made.pictureOf(4))?.text()).toBe('sheet');
    // The sheet is a question's of the training split: not blank.
    expect(new Set(drawn[0]?.data).size).toBeGreaterThan(1);
    expect(drawn[0]?.data.length).toBe(3 * (drawn[0]?.width ?? 0) ** 2);
  });

  it('continues an adapter on rows, in its own shape', async () => {
    const { factory, loaded, requests } = await factoryOf();
    const made = await factory.make(loaded, { ...ON_ROWS, adapterId: 'known' }, null, HOOKS);
    expect(requests[0]).toMatchObject({
      source: { kind: 'rows', rows: { count: 3 } },
      start: { config: { r: 2 } },
    });
    expect(made.base.config).toMatchObject({ r: 2, useRslora: true });
    expect(made.base.modules).toHaveLength(1);
    expect(made.notice).toMatchObject({
      code: 'train/left-out',
      message: expect.stringMatching(/1 of the 3 rows/),
    });
    expect(await (await made.pictureOf(2))?.text()).toBe('mine 2');
  });

  it('goes on from a checkpoint of the same weights only', async () => {
    const { factory, loaded, requests } = await factoryOf();
    const one = new Float32Array(1);
    const checkpoint = { step: 2, adapter: one, m: one, v: one, extra: { ...BASE, fingerprint: PRINT } };
    const { trainer } = await factory.make(loaded, PLAN, checkpoint, HOOKS);
    expect(trainer.step).toBe(2);
    expect(requests[0]?.checkpoint).toBe(checkpoint);
    const other = { ...checkpoint, extra: BASE };
    await expect(factory.make(loaded, PLAN, other, HOOKS)).rejects.toMatchObject({ code: 'adapter/base' });
  });

  it('keeps the adapter that it continues in the checkpoint, and goes on when the library has it no more', async () => {
    const { factory, loaded, requests } = await factoryOf();
    const { base } = await factory.make(loaded, { ...PLAN, adapterId: 'known' }, null, HOOKS);
    expect(base.start).toEqual(START);
    const one = new Float32Array(1);
    const checkpoint = { step: 2, adapter: one, m: one, v: one, extra: structuredClone(base) };
    const made = await factory.make(loaded, { ...PLAN, adapterId: 'deleted' }, checkpoint, HOOKS);
    expect(requests[1]?.start).toEqual(START);
    expect(made.base.start).toEqual(START);
    await expect(factory.make(loaded, { ...PLAN, adapterId: 'deleted' }, null, HOOKS)).rejects.toMatchObject({
      code: 'storage/missing',
    });
  });

  it('plans the memory of changed settings, with the first row that can be used for all', async () => {
    const { factory, loaded, requests, examples } = await factoryOf();
    const plan = await factory.memoryPlanner(loaded, { ...ON_ROWS, adapterId: 'known' });
    expect(await plan({ ...ON_ROWS, tokensPerMicroBatch: 77 })).toEqual({
      ...{ parts: [], peak: [], programs: [] },
      trainableParameters: 3,
    });
    expect(requests[0]).toMatchObject({
      ...{
        tokensPerMicroBatch: 77,
        source: { kind: 'rows', rows: { count: 3 } },
        start: { config: { r: 2 } },
      },
    });
    // `row 1` has five characters.
    expect(examples[0]).toMatchObject({
      question: 'row 1',
      imageTokens: 4,
      prompt: { inputIds: [0, 1, 2, 3, 4] },
    });
    const { factory: one, loaded: same } = await factoryOf(1);
    await expect(one.memoryPlanner(same, ON_ROWS)).rejects.toMatchObject({ code: 'data/image' });
  });

  it('finds out beforehand what is not there', async () => {
    const { factory, loaded } = await factoryOf();
    await factory.checkSources(loaded, { ...ON_ROWS, adapterId: 'known' });
    await expect(factory.checkSources(loaded, { ...PLAN, adapterId: 'tower' })).rejects.toMatchObject({
      code: 'train/adapter',
      message: expect.stringContaining(`changes 1 layers of vision tower or connector, ${QKV} among them`),
    });
    const missing = { code: 'storage/missing' };
    await expect(factory.checkSources(loaded, { ...PLAN, adapterId: 'x' })).rejects.toMatchObject(missing);
    const gone: TrainingPlan = { ...PLAN, source: { kind: 'dataset', datasetId: 'x' } };
    await expect(factory.checkSources(loaded, gone)).rejects.toMatchObject(missing);
    const empty = await factoryOf(0);
    await expect(empty.factory.checkSources(loaded, ON_ROWS)).rejects.toMatchObject({
      code: 'data/dataset-empty',
    });
  });
});
