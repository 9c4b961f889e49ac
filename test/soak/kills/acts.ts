// Lists what the page has the engine do in one life: each act is a few commands of the product, in an order that
// users take, and tells of every command that the engine said was done, as soon as it said so.

import { DEFAULT_TRAIN_CONFIG } from '../../../src/settings/train_settings';
import type { EngineClient } from '../../../src/worker/client';
import type { EngineEvent } from '../../../src/worker/protocol/messages';
import type { TrainingPlan } from '../../../src/worker/protocol/training';
import type { Acknowledged, Act } from '../../harness/kill_messages';

const QUESTION = 'Count the red squares. How many?';
const RESPONSE = '<think> i see 1 red square. </think> \\boxed{ 1 }';

/** The engine with what it has said so far. */
export interface Surroundings {
  readonly client: EngineClient;
  readonly events: readonly EngineEvent[];
  acknowledge(fact: Acknowledged): Promise<unknown>;
}

/** Acts that need the model. */
const NEEDS_MODEL: readonly Act['name'][] = ['train', 'pause', 'grpo', 'resume'];
const NEEDS_DATASET: readonly Act['name'][] = ['train', 'pause', 'grpo', 'delete'];
const NEEDS_RUN: readonly Act['name'][] = ['adapter', 'delete'];

async function row() {
  const image = await (await fetch('/examples/red_squares.png')).blob();
  return { image, imageName: 'a.png', question: QUESTION, answer: '1', response: RESPONSE };
}

/** A plan of a few cheap steps. Its checkpoint is large enough to lie in a file of its own beside the database. */
function planOf({ label, datasetId }: Act, change: Partial<TrainingPlan> = {}): TrainingPlan {
  return {
    ...DEFAULT_TRAIN_CONFIG,
    ...{ name: label, method: 'sft', modelId: 'pocket', adapterId: null, mode: 'cot' },
    evalDatasetId: null,
    source: { kind: 'dataset', datasetId: datasetId ?? '' },
    ...{ maxSteps: 3, saveSteps: 2, tokensPerMicroBatch: 128 },
    sft: { ...DEFAULT_TRAIN_CONFIG.sft, batchSize: 1, maxLength: 256, maxCompletionLength: 160 },
    ...change,
  };
}

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 12_000 && !holds(); turn++) await new Promise((done) => setTimeout(done, 10));
  if (!holds()) throw new Error('The engine did not get there within two minutes.');
}

const lastStatus = (events: readonly EngineEvent[]) =>
  events.flatMap((event) => (event.type === 'trainingChanged' ? [event.status] : [])).at(-1);

async function toTheEnd({ events }: Surroundings, runId: string): Promise<void> {
  const ended = () => {
    const status = lastStatus(events);
    return status?.runId === runId && !['preparing', 'running', 'pausing'].includes(status.state);
  };
  await until(ended);
  const status = lastStatus(events);
  if (status?.state !== 'finished') throw new Error(`The run ended otherwise: ${JSON.stringify(status)}`);
}

async function dataset({ client, acknowledge }: Surroundings, { label }: Act): Promise<void> {
  const whole = await row();
  const { id } = await client.addToDataset(null, label, whole);
  await acknowledge({ what: 'dataset', id, rows: 1 });
  await client.addToDataset(id, '', whole);
  await acknowledge({ what: 'dataset', id, rows: 2 });
}

async function train(around: Surroundings, act: Act): Promise<void> {
  const run = await around.client.startTraining(planOf(act));
  await around.acknowledge({ what: 'run', id: run.id });
  await toTheEnd(around, run.id);
}

/** Evaluated at each step, paused in mid-run, stepped once, and ended for good. */
async function pause(around: Surroundings, act: Act): Promise<void> {
  const { client, events, acknowledge } = around;
  const evaluation = { evalSteps: 1, evalSize: 1, evalSamples: 1 };
  const run = await client.startTraining(planOf(act, { maxSteps: 50, saveSteps: 0, ...evaluation }));
  await acknowledge({ what: 'run', id: run.id });
  await until(() => (lastStatus(events)?.step ?? 0) >= 1);
  await client.pauseTraining();
  await client.stepTraining(run.id);
  await client.stopTraining();
}

async function grpo(around: Surroundings, act: Act): Promise<void> {
  const settings = { ...DEFAULT_TRAIN_CONFIG.grpo, promptsPerStep: 1, numGenerations: 2 };
  const change = { maxSteps: 1, saveSteps: 1, grpo: { ...settings, maxCompletionLength: 8 } };
  const run = await around.client.startTraining(planOf(act, { method: 'grpo', ...change }));
  await around.acknowledge({ what: 'run', id: run.id });
  await toTheEnd(around, run.id);
}

async function resume(around: Surroundings, { runId }: Act): Promise<void> {
  const run = await around.client.resumeTraining(runId ?? '');
  await toTheEnd(around, run.id);
}

/** Kept from a run, renamed, sent out, taken back in, and the first deleted. */
async function adapter({ client, acknowledge }: Surroundings, { runId, label }: Act): Promise<void> {
  const kept = await client.saveAdapter(runId ?? '', label);
  await acknowledge({ what: 'adapter', id: kept.id });
  const name = `${label} renamed`;
  await client.renameAdapter(kept.id, { name, notes: 'Kept through kills.' });
  await acknowledge({ what: 'renamed', id: kept.id, name });
  const zip = await client.exportAdapter(kept.id);
  // What comes in is checked against the model; nothing before it needs one.
  await client.load('pocket');
  const back = await client.importAdapter([{ path: 'a.zip', blob: zip }], `${label} again`);
  await acknowledge({ what: 'adapter', id: back.id });
  await client.deleteAdapter(kept.id);
  await acknowledge({ what: 'deletedAdapter', id: kept.id });
}

async function deletions({ client, acknowledge }: Surroundings, act: Act): Promise<void> {
  const { runId, datasetId } = act;
  await client.deleteRun(runId ?? '');
  await acknowledge({ what: 'deletedRun', id: runId ?? '' });
  await client.deleteDataset(datasetId ?? '');
  await acknowledge({ what: 'deletedDataset', id: datasetId ?? '' });
}

/** Makes what an act needs and is not there; loads the model if it needs one. */
export async function prepare(around: Surroundings, act: Act): Promise<Act> {
  const needsRun = NEEDS_RUN.includes(act.name) && act.runId === null;
  if (needsRun || NEEDS_MODEL.includes(act.name)) await around.client.load('pocket');
  let { runId, datasetId } = act;
  if (datasetId === null && (needsRun || NEEDS_DATASET.includes(act.name))) {
    await dataset(around, { ...act, label: 'dataset prepared' });
    datasetId = (await around.client.listDatasets())[0]?.id ?? null;
  }
  if (needsRun) {
    await train(around, { ...act, datasetId, label: 'train prepared' });
    runId = (await around.client.listRuns())[0]?.id ?? null;
  }
  return { ...act, runId, datasetId };
}

/** Plays an act; rejects with what the engine says. */
export const ACTS: Readonly<Record<Act['name'], (around: Surroundings, act: Act) => Promise<void>>> = {
  dataset,
  train,
  pause,
  grpo,
  resume,
  adapter,
  delete: deletions,
};
