// The whole engine in a real Worker with real stores and pocket: a dataset, a run with a question amid it, an adapter
// kept, used, sent out and taken back, and a Worker that dies in mid-run. What e2e does by clicks, without a page.
import { afterAll, expect, it } from 'vitest';
import { DEFAULT_TRAIN_CONFIG } from '../../../src/settings/train_settings';
import { createEngineClient, type EngineClient } from '../../../src/worker/client';
import type { GenerateRequest } from '../../../src/worker/protocol/answers';
import type { EngineEvent } from '../../../src/worker/protocol/messages';
import type { TrainingPlan } from '../../../src/worker/protocol/training';
import { loadFixture } from '../../harness/fixture';

const clients: EngineClient[] = [];
const workers: Worker[] = [];
afterAll(() => {
  for (const worker of workers) worker.terminate();
});

/** A client of a fresh Worker, as a reloaded page has one. */
async function fresh() {
  const client = createEngineClient(() => {
    // Written in one expression, by which Vite knows a Worker's file: its own lazy imports work only then.
    const worker = new Worker(new URL('../../../src/worker/engine.worker.ts', import.meta.url), {
      type: 'module',
    });
    workers.push(worker);
    return worker;
  });
  clients.push(client);
  const events: EngineEvent[] = [];
  client.listen((batch) => events.push(...batch));
  await client.start();
  await client.load('pocket');
  return { client, events };
}

const lastState = (events: readonly EngineEvent[]) =>
  events.flatMap((event) => (event.type === 'trainingChanged' ? [event.status] : [])).at(-1)?.state;

async function until(holds: () => boolean, what: () => unknown): Promise<void> {
  for (let turn = 0; turn < 3000 && !holds(); turn++) await new Promise((done) => setTimeout(done, 20));
  if (!holds()) throw new Error(`never: ${JSON.stringify(what())}`);
}

const QUESTION = 'Count the red squares. How many?';
const RESPONSE = '<think> i see 1 red square. </think> \\boxed{ 1 }';

async function picture(): Promise<Blob> {
  const name = 'pocket/test-2026-0.png';
  return new Blob([await loadFixture(name)], { type: 'image/png' });
}

function planOf(datasetId: string, change: Partial<TrainingPlan> = {}): TrainingPlan {
  return {
    ...DEFAULT_TRAIN_CONFIG,
    ...{ name: 'Tiny run', method: 'sft', modelId: 'pocket', adapterId: null, mode: 'cot' },
    evalDatasetId: null,
    source: { kind: 'dataset', datasetId },
    lora: { ...DEFAULT_TRAIN_CONFIG.lora, r: 2, loraAlpha: 4, targetModules: '.*layers\\.0\\..*q_proj' },
    ...{ maxSteps: 3, saveSteps: 1, tokensPerMicroBatch: 128 },
    sft: { ...DEFAULT_TRAIN_CONFIG.sft, batchSize: 1, maxLength: 256, maxCompletionLength: 160 },
    ...change,
  };
}

async function question(adapter: GenerateRequest['adapter']): Promise<GenerateRequest> {
  return {
    ...{ images: [await picture()], picture: 'a.png', question: QUESTION, expected: null },
    ...{ mode: 'cot', temperature: 0, topP: 1, topK: 0 },
    ...{ repetitionPenalty: 1, seed: 1, maxNewTokens: 12, maxImageTokens: 1024, capture: false, adapter },
  };
}

it('trains, answers meanwhile, keeps the adapter, and survives its own death', {
  timeout: 300_000,
}, async () => {
  const first = await fresh();
  const { client, events } = first;
  const row = {
    image: await picture(),
    imageName: 'a.png',
    question: QUESTION,
    answer: '1',
    response: RESPONSE,
  };
  const set = await client.addToDataset(null, 'Mine', row);
  expect(await client.addToDataset(set.id, '', row)).toMatchObject({ rows: 2, withResponse: 2 });
  const view = await client.readDatasetRow(set.id, 0, 'cot');
  expect(view.prompt).toContain('count the red squares');
  expect(view.imageTokens).toBeGreaterThan(1);

  const plan = planOf(set.id);
  expect(await client.estimateTraining(plan)).toMatchObject({ fits: true, advice: null });
  const run = await client.startTraining(plan);
  await expect(client.load('pocket')).rejects.toMatchObject({ code: 'train/busy' });
  expect((await client.generate(await question(null))).stats.generatedTokens).toBeGreaterThan(0);
  await until(
    () => lastState(events) === 'finished',
    () => events.slice(-5),
  );
  const detail = await client.readRun(run.id);
  expect(detail.metrics.map(({ step }) => step)).toEqual([1, 2, 3]);
  expect(detail.metrics.every(({ values }) => Number.isFinite(values.loss))).toBe(true);

  const kept = await client.saveAdapter(run.id, 'Kept');
  expect(kept).toMatchObject({ modelId: 'pocket', r: 2, run: { id: run.id, step: 3 } });
  const strong = await question({ id: kept.id, strength: 1 });
  const answer = await client.generate(strong);
  const zip = await client.exportAdapter(kept.id);
  await client.deleteAdapter(kept.id);
  await expect(client.generate(strong)).rejects.toMatchObject({ code: 'storage/missing' });
  const back = await client.importAdapter([{ path: 'a.zip', blob: zip }], 'Back');
  expect((await client.generate(await question({ id: back.id, strength: 1 }))).text).toBe(answer.text);

  const second = await client.startTraining(planOf(set.id, { name: 'Cut short', maxSteps: 4 }));
  const stepped = () =>
    events.filter((event) => event.type === 'trainingStepped' && event.runId === second.id).length;
  await until(
    () => stepped() >= 2,
    () => events.slice(-5),
  );
  workers.at(-1)?.terminate();

  const again = await fresh();
  const listed = (await again.client.listRuns()).find(({ id }) => id === second.id);
  expect(listed).toMatchObject({ state: 'paused', reason: { code: 'train/interrupted' } });
  expect(listed?.checkpointStep).toBeGreaterThanOrEqual(1);
  await again.client.resumeTraining(second.id);
  await until(
    () => lastState(again.events) === 'finished',
    () => again.events.slice(-5),
  );
  const resumed = await again.client.readRun(second.id);
  expect(resumed.metrics.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  // The first three steps of both runs saw the same data with the same learning rates but for the schedule's end.
  expect(resumed.metrics[0]?.values.loss).toBe(detail.metrics[0]?.values.loss);
  const usage = await again.client.storageUsage();
  expect(usage.items.map(({ kind }) => kind).sort()).toEqual(['adapter', 'dataset', 'run', 'run']);
  expect(await again.client.deleteRun(second.id)).toBeGreaterThan(0);
  expect(await again.client.deleteDataset(set.id)).toBeGreaterThan(0);
});

it('samples groups with their pictures, is paused in mid-step, and goes on from memory', {
  timeout: 300_000,
}, async () => {
  const { client, events } = await fresh();
  const grpo = {
    ...DEFAULT_TRAIN_CONFIG.grpo,
    promptsPerStep: 1,
    numGenerations: 4,
    maxCompletionLength: 24,
  };
  const source = {
    kind: 'shapes_world',
    pictures: 'both',
    questions: 'all',
    looks: 'one',
    chains: 'own',
    textShare: 0,
    scenes: 4,
    rolloutsPerScene: 1,
    reflectionRate: 0.5,
  } as const;
  const run = await client.startTraining(
    planOf('', { method: 'grpo', source, grpo, maxSteps: 2, saveSteps: 2 }),
  );
  const groups = () => events.flatMap((event) => (event.type === 'groupsSampled' ? [event.groups] : []));
  await until(
    () => groups().length > 0,
    () => events.slice(-5),
  );
  await client.pauseTraining();
  const paused = (await client.listRuns()).find(({ id }) => id === run.id);
  expect(paused).toMatchObject({ state: 'paused', step: 1, checkpointStep: 1, reason: null });
  const [group] = groups()[0] ?? [];
  expect(group?.completions).toHaveLength(4);
  expect(group?.image).toMatchObject({ type: 'image/png' });
  expect(group?.completions.every(({ tokens }) => tokens <= 24)).toBe(true);
  await client.stepTraining(run.id);
  const detail = await client.readRun(run.id);
  expect(detail.summary).toMatchObject({ state: 'finished', step: 2, checkpointStep: 2 });
  expect(detail.groups?.step).toBe(2);
  expect(detail.groups?.groups[0]?.image?.size).toBeGreaterThan(0);
  const jsonl = await (await client.exportRun(run.id, 'jsonl')).text();
  expect(jsonl.trim().split('\n')).toHaveLength(2);
  await client.deleteRun(run.id);
});
