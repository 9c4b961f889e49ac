// The Train page's state over a scripted engine: lists, selection, the live record, commands, failures, estimates.
import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import { createTrain, type Train } from '../../src/state/train';
import { PRESETS } from '../../src/state/train_presets';
import type { RunSummary } from '../../src/worker/protocol/training';
import { LOADED_MODEL } from './engine_script';
import {
  adapterOf,
  datasetOf,
  detailOf,
  ESTIMATE,
  evaluated,
  HandTrainer,
  runOf,
  settled,
  statusOf,
  stepped,
} from './train_script';

function made(change: Partial<HandTrainer> = {}): { client: HandTrainer; train: Train } {
  const client = Object.assign(new HandTrainer(), change);
  return { client, train: createTrain(client) };
}

/** A page that shows run r1, whose first `steps` steps are stored. */
async function showing(run: RunSummary, steps = 0) {
  const { client, train } = made({ runs: [run] });
  const opening = train.open();
  await settled();
  await client.resolve('readRun', detailOf(run, steps));
  await opening;
  return { client, train };
}

const stepsOf = (train: Train) => train.shown.record.value?.metrics.map(({ step }) => step);

describe('opening', () => {
  it('asks the engine for nothing before', async () => {
    const { client } = made();
    client.emit({ type: 'storeChanged', store: 'runs' }, { type: 'modelLoaded', model: LOADED_MODEL });
    await settled();
    expect([...client.calls, ...client.estimated]).toEqual([]);
  });

  it('lists newest first and selects the newest run', async () => {
    const { client, train } = made({ runs: [runOf('r1'), runOf('r3'), runOf('r2')] });
    const opening = train.open();
    await settled();
    expect(train.stored.runs.value.map(({ id }) => id)).toEqual(['r3', 'r2', 'r1']);
    expect(client.calls).toEqual(['readRun r3']);
    await client.resolve('readRun', detailOf(runOf('r3'), 4));
    await opening;
    expect(stepsOf(train)).toEqual([1, 2, 3, 4]);
    expect(train.shown.selected.value?.id).toBe('r3');
  });

  it('selects the live run rather than the newest', async () => {
    const { client, train } = made({ runs: [runOf('r1'), runOf('r2')] });
    client.emit(statusOf('r1', 'running', 2));
    void train.open();
    await settled();
    expect(client.calls).toEqual(['readRun r1']);
  });

  it('tries again when the engine was not there yet', async () => {
    const { client, train } = made();
    const { listRuns } = client;
    client.listRuns = () => Promise.reject({ code: 'worker/crashed', message: '' });
    await train.open();
    expect(train.stored.listed.value).toBe(false);
    client.listRuns = listRuns;
    client.runs = [runOf('r1')];
    client.emit({ type: 'stateChanged', state: 'loading' });
    await settled();
    expect(train.stored.listed.value).toBe(true);
    expect(client.calls).toEqual(['readRun r1']);
  });
});

describe('the record', () => {
  it('takes events that came while the run was being read', async () => {
    const { client, train } = made({ runs: [runOf('r1')] });
    const opening = train.open();
    await settled();
    client.emit(stepped('r1', 5), stepped('other', 1));
    client.emit(stepped('r1', 6));
    await client.resolve('readRun', detailOf(runOf('r1'), 5));
    await opening;
    expect(stepsOf(train)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('ignores a late reading of a run that is no longer selected', async () => {
    const { client, train } = await showing(runOf('r1'), 2);
    client.runs = [runOf('r1'), runOf('r2')];
    client.emit({ type: 'storeChanged', store: 'runs' });
    await settled();
    void train.shown.select('r2');
    void train.shown.select('r1');
    await client.resolve('readRun r1', detailOf(runOf('r1'), 2));
    await client.resolve('readRun r2', detailOf(runOf('r2'), 7));
    expect(train.shown.record.value?.runId).toBe('r1');
  });

  it('grows with the steps of the shown run only', async () => {
    const { client, train } = await showing(runOf('r1'), 2);
    client.emit(stepped('r1', 3), stepped('r2', 9));
    expect(stepsOf(train)).toEqual([1, 2, 3]);
  });
});

describe('a run', () => {
  it('starts with the plan of the form, and is shown', async () => {
    const { client, train } = made();
    await train.open();
    train.plan.choosePreset('grpo-quick');
    train.plan.setField('maxSteps', 3);
    await settled();
    const starting = train.control.start();
    await settled();
    expect(client.started?.maxSteps).toBe(3);
    expect(train.control.canStart.value).toBe(false);
    const run = runOf('r7', { state: 'preparing', step: 0, checkpointStep: null });
    client.emit(statusOf('r7', 'running', 1));
    await client.resolve('startTraining', run);
    await client.resolve('readRun', detailOf(run));
    await starting;
    expect(train.shown.selected.value).toMatchObject({ id: 'r7', state: 'running', step: 1 });
    expect(train.live.live.value).toBe(true);
    expect(train.control.canStart.value).toBe(false);
  });

  it('tells changes of state and evaluations, and no steps', async () => {
    const { client, train } = await showing(runOf('r1'));
    const news: unknown[] = [];
    train.live.news.subscribe((value) => news.push(value?.kind === 'state' ? value.state : value?.kind));
    client.emit(statusOf('r1', 'running', 4));
    client.emit(stepped('r1', 5), statusOf('r1', 'running', 5));
    client.emit(statusOf('r1', 'running', 5, { phase: 'sampling', fraction: 0.5 }));
    client.emit(evaluated('r1', 5, [true, false]));
    expect(train.live.news.value).toEqual({ kind: 'evaluated', step: 5, correct: 1, of: 2 });
    client.emit(statusOf('r1', 'paused', 5));
    expect(news).toEqual([undefined, 'running', 'evaluated', 'paused']);
    expect(train.stored.runs.value[0]).toMatchObject({ state: 'paused', step: 5 });
  });

  it('keeps why it paused, and that of another run leaves it alone', async () => {
    const { client, train } = await showing(runOf('r1'));
    const reason = { code: 'train/not-finite', message: 'Step 5' } as const;
    client.emit(statusOf('r1', 'paused', 4, { reason }));
    expect(train.shown.selected.value?.reason).toEqual(reason);
    client.runs = [runOf('r1', { reason }), runOf('r0')];
    client.emit(statusOf('r0', 'running', 1));
    await settled();
    expect(train.shown.selected.value?.reason).toEqual(reason);
  });

  it('is paused by a crash of the engine, and listed anew once there is one again', async () => {
    const { client, train } = await showing(runOf('r1'));
    client.emit(statusOf('r1', 'running', 6));
    client.emit({ type: 'failed', error: { code: 'worker/crashed', message: 'gone' } });
    expect(train.live.live.value).toBe(false);
    expect(train.shown.selected.value).toMatchObject({ state: 'paused', reason: { code: 'worker/crashed' } });
    client.runs = [runOf('r1', { step: 5 })];
    client.emit({ type: 'modelLoaded', model: LOADED_MODEL });
    await settled();
    expect(train.shown.selected.value?.step).toBe(5);
  });

  it('resumes, steps, pauses and stops by the engine’s commands', async () => {
    const { client, train } = await showing(runOf('r1'));
    void train.control.resume('r1');
    await settled();
    await client.resolve('resumeTraining', runOf('r1', { state: 'running' }));
    expect(train.shown.selected.value?.state).toBe('running');
    void train.control.pause();
    expect(train.commands.pending.value.has('pause')).toBe(true);
    await client.resolve('pauseTraining');
    expect(train.commands.pending.value.size).toBe(0);
    void train.control.stepOnce('r1');
    await settled();
    await client.resolve('stepTraining');
    void train.control.stop();
    await client.resolve('stopTraining');
    expect(client.calls.slice(1)).toEqual([
      ...['resumeTraining r1', 'pauseTraining', 'stepTraining r1', 'stopTraining'],
    ]);
    expect(train.commands.failure.value).toBeNull();
  });

  it('says what was refused, until the next command or until it is dismissed', async () => {
    const { client, train } = await showing(runOf('r1'));
    void train.control.resume('r1');
    await settled();
    await client.reject('resumeTraining', { code: 'train/busy', message: 'other' });
    expect(train.commands.failure.value).toMatchObject({ command: 'resume', error: { code: 'train/busy' } });
    train.commands.dismissFailure();
    expect(train.commands.failure.value).toBeNull();
    expect(train.commands.pending.value.size).toBe(0);
  });
});

describe('what is kept', () => {
  it('saves an adapter under a name and lists it', async () => {
    const { client, train } = await showing(runOf('r1'));
    const saving = train.results.saveAdapter('r1', 'Mine', 'last');
    client.adapters = [adapterOf('a1', { name: 'Mine' })];
    await client.resolve('saveAdapter', client.adapters[0]);
    expect((await saving)?.id).toBe('a1');
    expect(client.calls.at(-1)).toBe('saveAdapter r1 Mine');
    expect(train.shown.selected.value?.adapterId).toBe('a1');
    expect(train.stored.adapters.value).toHaveLength(1);
    expect(train.live.news.value).toEqual({ kind: 'saved', name: 'Mine' });
  });

  it('deletes a run and shows the next', async () => {
    const { client, train } = made({ runs: [runOf('r1'), runOf('r2')] });
    void train.open();
    await settled();
    await client.resolve('readRun', detailOf(runOf('r2')));
    void train.results.deleteRun('r2');
    await client.resolve('deleteRun', 2048);
    expect(train.stored.runs.value.map(({ id }) => id)).toEqual(['r1']);
    expect(client.calls.at(-1)).toBe('readRun r1');
    expect(train.live.news.value).toEqual({ kind: 'deleted', bytes: 2048 });
  });

  it('exports, or says why not', async () => {
    const { client, train } = await showing(runOf('r1'));
    const blob = new Blob(['{}']);
    const exporting = train.results.exportRun('r1', 'jsonl');
    await client.resolve('exportRun', blob);
    expect(await exporting).toBe(blob);
    const refused = train.results.exportRun('r1', 'csv');
    await client.reject('exportRun', { code: 'storage/missing', message: '' });
    expect(await refused).toBeNull();
    expect(train.commands.failure.value?.command).toBe('export');
  });
});

describe('the plan', () => {
  it('is measured when the page opens and after each change, but not while it has problems', async () => {
    const { client, train } = made();
    await train.open();
    await settled();
    expect(client.estimated).toHaveLength(1);
    expect(train.forecast.estimate.value).toEqual({ estimate: ESTIMATE, error: null, asking: false });
    train.plan.setField('maxSteps', 0);
    await settled();
    expect(client.estimated).toHaveLength(1);
    expect(train.control.canStart.value).toBe(false);
    train.plan.setField('maxSteps', 2);
    train.plan.setField('maxSteps', 3);
    await settled();
    expect(client.estimated.at(-1)?.maxSteps).toBe(3);
    client.emit({ type: 'storeChanged', store: 'datasets' });
    await settled();
    expect(client.estimated.filter((plan) => plan.maxSteps === 3)).toHaveLength(1);
  });

  it('is not measured while a run has the device', async () => {
    const { client, train } = await showing(runOf('r1'));
    client.emit(statusOf('r1', 'running', 1));
    const before = client.estimated.length;
    train.plan.setField('seed', 5);
    await settled();
    expect(client.estimated).toHaveLength(before);
    client.emit(statusOf('r1', 'paused', 1));
    await settled();
    expect(client.estimated).toHaveLength(before + 1);
  });

  it('cannot start when it does not fit; an estimate that failed does not hinder', async () => {
    const { client, train } = made({ estimate: { ...ESTIMATE, fits: false, advice: 'x' } });
    await train.open();
    await settled();
    expect(train.control.canStart.value).toBe(false);
    client.estimate = { code: 'engine/state', message: 'no model' };
    train.plan.setField('seed', 2);
    await settled();
    expect(train.forecast.estimate.value.error?.code).toBe('engine/state');
    expect(train.control.canStart.value).toBe(true);
  });

  it('tells what differs from the preset, and puts it back', () => {
    const { train } = made();
    train.plan.choosePreset('sft-full');
    train.plan.setField('optim.learningRate', 1e-4);
    expect(train.plan.changes.value).toEqual(['optim.learningRate']);
    train.plan.resetField('optim.learningRate');
    expect(train.plan.changes.value).toEqual([]);
    expect(train.plan.plan.value).toEqual(PRESETS['sft-full']);
  });

  it('continues the newest SFT adapter of the model when GRPO is chosen', async () => {
    const run = { id: 'r1', method: 'sft' as const, step: 90 };
    const adapters = [
      adapterOf('old', { run, createdAt: 1 }),
      adapterOf('new', { run, createdAt: 2 }),
      adapterOf('other', { run, createdAt: 9, modelId: 'another' }),
      adapterOf('grpo', { run: { ...run, method: 'grpo' }, createdAt: 9 }),
    ];
    const { train } = made({ adapters });
    await train.open();
    train.plan.choosePreset('grpo-full');
    expect(train.plan.plan.value.adapterId).toBe('new');
    train.plan.choosePreset('sft-full');
    expect(train.plan.plan.value.adapterId).toBeNull();
  });

  it('lets go of an adapter that belongs to another model', async () => {
    const { train } = made({ adapters: [adapterOf('a')] });
    await train.open();
    train.plan.chooseAdapter('a');
    train.plan.chooseModel('big');
    expect(train.plan.plan.value).toMatchObject({ modelId: 'big', adapterId: null });
    expect(train.models.models.value.map(({ id }) => id)).toEqual(['big', 'pocket']);
  });

  it('takes its questions from a dataset, or from the built-in world again', async () => {
    const { train } = made({ datasets: [datasetOf('d', 30, 30)] });
    await train.open();
    train.plan.chooseDataset('d');
    expect(train.plan.plan.value.source).toEqual({ kind: 'dataset', datasetId: 'd' });
    expect(train.plan.problems.value).toEqual([]);
    train.plan.chooseDataset(null);
    expect(train.plan.plan.value.source).toEqual(PRESETS['sft-quick'].source);
  });

  it('holds out a tenth of a dataset, unless somebody said otherwise', async () => {
    const { train } = made({ datasets: [datasetOf('d', 20, 20), datasetOf('e', 40, 40)] });
    await train.open();
    train.plan.chooseDataset('d');
    expect(train.plan.split.value).toMatchObject({ train: 18, heldOut: 2 });
    expect(train.plan.changes.value).toEqual([]);
    train.plan.chooseDataset('e');
    expect(train.plan.split.value).toMatchObject({ train: 36, heldOut: 4 });
    train.plan.setField('evalSize', 5);
    train.plan.chooseDataset('d');
    expect(train.plan.split.value).toMatchObject({ train: 15, heldOut: 5 });
    expect(train.plan.changes.value).toEqual(['evalSize']);
    train.plan.resetField('evalSize');
    expect(train.plan.split.value).toMatchObject({ train: 18, heldOut: 2 });
  });

  it('survives a reload with its edits', () => {
    let text: string | null = null;
    const kept = {
      read: () => text,
      write: (written: string) => {
        text = written;
      },
    };
    const first = createTrain(new HandTrainer(), kept);
    first.plan.choosePreset('grpo-full');
    first.plan.setField('optim.learningRate', 0.25);
    first.plan.setField('name', 'Mine');
    const second = createTrain(new HandTrainer(), kept);
    expect(second.plan.plan.value).toEqual(first.plan.plan.value);
    expect(second.plan.preset.value).toBe('grpo-full');
    expect(second.plan.changes.value).toEqual(['optim.learningRate']);
    text = 'nonsense';
    expect(createTrain(new HandTrainer(), kept).plan.plan.value).toEqual(PRESETS['sft-quick']);
  });

  it('can be taken over from a run', () => {
    const { train } = made();
    train.plan.copyPlan({ ...PRESETS['grpo-full'], maxSteps: 11 });
    expect(train.plan.preset.value).toBeNull();
    expect(train.plan.changes.value).toEqual([]);
    expect(train.plan.plan.value.maxSteps).toBe(11);
  });
});

describe('the model', () => {
  function withPort(loads: boolean) {
    const { client, train } = made({ runs: [runOf('r1')] });
    const loaded = signal<string | null>('draft');
    const models = signal([{ id: 'draft', label: 'Draft' }]);
    const load = async (id: string) => {
      client.calls.push(`load ${id}`);
      await settled();
      if (loads) loaded.value = id;
    };
    train.models.useModels({ models, loaded, load });
    return { client, train, loaded };
  }

  it('is loaded before its plan is measured and started', async () => {
    const { client, train } = withPort(true);
    void train.open();
    await settled();
    expect(train.models.models.value.map(({ label }) => label)).toEqual(['Draft', 'pocket']);
    expect(train.models.needsModel.value).toBe(true);
    expect(client.estimated).toEqual([]);
    void train.control.start();
    await settled();
    await settled();
    expect(client.calls).toEqual(['readRun r1', 'load pocket', 'startTraining']);
    expect(client.estimated).toHaveLength(1);
    expect(train.models.needsModel.value).toBe(false);
  });

  it('starts nothing that turns out not to fit', async () => {
    const { client, train } = withPort(true);
    client.estimate = { ...ESTIMATE, fits: false, advice: 'Set tokensPerMicroBatch to 64.' };
    void train.open();
    await settled();
    await train.control.start();
    expect(client.started).toBeNull();
    expect(train.commands.failure.value?.error).toEqual({
      code: 'train/memory',
      message: 'Set tokensPerMicroBatch to 64.',
    });
  });

  it('is loaded before a run goes on, and a load that failed is said', async () => {
    const { client, train } = withPort(false);
    void train.open();
    await settled();
    await train.control.resume('r1');
    expect(client.calls).toEqual(['readRun r1', 'load pocket']);
    expect(train.commands.failure.value).toMatchObject({ command: 'resume', error: { code: 'train/model' } });
  });

  it('is left alone when it is there', async () => {
    const { client, train, loaded } = withPort(true);
    loaded.value = 'pocket';
    void train.open();
    await settled();
    void train.control.stepOnce('r1');
    await settled();
    expect(client.calls).toEqual(['readRun r1', 'stepTraining r1']);
  });
});
