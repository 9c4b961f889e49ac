// Drives the product's engine as its page does, through its client, and offers to whoever runs the soak: questions,
// reloads of the model, a training run, and a reading of the GPU's memory.

import { DEFAULT_TRAIN_CONFIG } from '../../../src/settings/train_settings';
import { createEngineClient, type EngineClient } from '../../../src/worker/client';
import type { LoadedModel } from '../../../src/worker/protocol/engine';
import type { EngineEvent } from '../../../src/worker/protocol/messages';
import type { RunState, TrainingPlan } from '../../../src/worker/protocol/training';
import { type GpuReading, METER_CHANNEL } from './gpu_meter';

interface Example {
  readonly image: Blob;
  readonly picture: string;
  readonly question: string;
  readonly answer: string | null;
}

/** What the page offers. */
export interface LeakActs {
  start(): Promise<void>;
  /** Asks the bundled examples in turn, by fives with the model's bundled adapter and without; from a number on. */
  ask(from: number, count: number): Promise<void>;
  /** Leaves the engine with the session that the first example needs, whatever was asked before. */
  settle(): Promise<void>;
  reload(count: number): Promise<void>;
  /** Begins an SFT run that takes longer than so many steps. All its rows are alike, so that all its steps are. */
  train(steps: number): Promise<void>;
  /** Resolves, with the run paused, when it has done so many steps or one more. */
  pauseAfter(step: number): Promise<void>;
  resume(): Promise<void>;
  /** Ends the paused run and deletes what it left. */
  stop(): Promise<void>;
  readGpu(): Promise<GpuReading>;
}

declare global {
  interface Window {
    leaks: LeakActs;
  }
}

/** Rows of the run's dataset. */
const ROWS = 8;
/** A pause comes after the step that is under way: it must not be the last. */
const SPARE_STEPS = 10;

/** Of the newest event alone: a page that kept all of them would grow by itself. */
let status: { readonly state: RunState; readonly step: number } | undefined;
let waiting: (() => void) | undefined;
let failure: string | null = null;
let client: EngineClient;
let model: LoadedModel;
let adapterId: string | null = null;
let examples: readonly Example[];
let runId = '';
let datasetId = '';

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    if (failure !== null) throw new Error(failure);
    await new Promise<void>((resolve) => {
      waiting = resolve;
    });
  }
}

function heard(batch: readonly EngineEvent[]): void {
  for (const event of batch) {
    if (event.type !== 'trainingChanged') continue;
    const { state, step, reason } = event.status;
    if (state === 'failed') failure = `The run failed: ${reason?.message}`;
    status = { state, step };
  }
  waiting?.();
}

async function bundledExamples(): Promise<Example[]> {
  const listed: { file: string; questions: { text: string; answer?: string }[] }[] = await (
    await fetch('/examples/examples.json')
  ).json();
  const rows = await Promise.all(
    listed.map(async ({ file, questions }) => {
      const image = await (await fetch(`/examples/${file}`)).blob();
      return questions.map(({ text, answer = null }) => {
        return { image, picture: file, question: text, answer };
      });
    }),
  );
  return rows.flat();
}

async function start(): Promise<void> {
  const engine = (): Worker =>
    new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'engine' });
  client = createEngineClient(engine);
  client.listen(heard);
  await client.start();
  const [first] = await client.listModels();
  if (!first) throw new Error('No model is bundled.');
  model = await client.load(first.id);
  const adapters = await client.listAdapters();
  adapterId = adapters.find(({ bundled, modelId }) => bundled && modelId === first.id)?.id ?? null;
  examples = await bundledExamples();
}

async function askOne(number: number, withAdapter: boolean, capture: boolean): Promise<void> {
  const [mode = 'semantic'] = model.modes;
  const { image, picture, question, answer: expected } = examples[number % examples.length] as Example;
  await client.generate({
    ...{ images: [image], picture, question, expected, mode },
    ...{ temperature: 1, topP: 1, topK: 0, repetitionPenalty: 1, seed: number },
    ...{ maxNewTokens: Math.min(24, model.maxNewTokens), maxImageTokens: 1024, capture },
    adapter: withAdapter && adapterId !== null ? { id: adapterId, strength: 1 } : null,
  });
}

async function ask(from: number, count: number): Promise<void> {
  for (let number = from; number < from + count; number++) await askOne(number, number % 10 >= 5, true);
}

async function settle(): Promise<void> {
  // A session captures attention or does not: the other kind takes the place of the one that is open.
  for (const capture of [false, true]) await askOne(0, false, capture);
}

async function reload(count: number): Promise<void> {
  for (let number = 0; number < count; number++) model = await client.load(model.entry.id);
}

async function train(steps: number): Promise<void> {
  const { image, picture, question, answer } = examples[0] as Example;
  const row = {
    image,
    imageName: picture,
    question,
    answer: answer ?? '1',
    response: `\\boxed{ ${answer ?? 1} }`,
  };
  let id: string | null = null;
  for (let count = 0; count < ROWS; count++) ({ id } = await client.addToDataset(id, 'Leaks', row));
  datasetId = id ?? '';
  const [mode = 'semantic'] = model.modes;
  const plan: TrainingPlan = {
    ...DEFAULT_TRAIN_CONFIG,
    ...{ name: 'Leaks', method: 'sft', modelId: model.entry.id, adapterId: null, mode },
    ...{ evalDatasetId: null, evalSize: 2, evalSteps: 5, evalSamples: 2 },
    source: { kind: 'dataset', datasetId },
    ...{ maxSteps: steps + SPARE_STEPS, saveSteps: 25, tokensPerMicroBatch: 256 },
    sft: { ...DEFAULT_TRAIN_CONFIG.sft, batchSize: 2, maxCompletionLength: 16 },
  };
  status = undefined;
  runId = (await client.startTraining(plan)).id;
}

async function pauseAfter(step: number): Promise<void> {
  await until(() => (status?.step ?? 0) >= step);
  await client.pauseTraining();
  await until(() => status?.state === 'paused');
}

async function stop(): Promise<void> {
  await client.stopTraining();
  await client.deleteRun(runId);
  await client.deleteDataset(datasetId);
}

function readGpu(): Promise<GpuReading> {
  const channel = new BroadcastChannel(METER_CHANNEL);
  return new Promise((resolve) => {
    channel.onmessage = ({ data }: MessageEvent<GpuReading>) => {
      channel.close();
      resolve(data);
    };
    channel.postMessage('read');
  });
}

async function resume(): Promise<void> {
  status = undefined;
  await client.resumeTraining(runId);
}

window.leaks = { start, ask, settle, reload, train, pauseAfter, resume, stop, readGpu };
