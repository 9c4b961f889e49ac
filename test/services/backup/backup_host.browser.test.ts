// A backup in the real stores: what they write comes back as it was in another database, by way of a file of the browser's
// own; what fails on the way leaves nothing; parts that a crash left are removed.
import { expect, it } from 'vitest';
import { AdapterStore } from '../../../src/storage/adapter_store';
import { ColdStartStore } from '../../../src/storage/cold_start_store';
import type { Database } from '../../../src/storage/database';
import { DatasetStore } from '../../../src/storage/dataset_store';
import { EvaluationStore } from '../../../src/storage/evaluation_store';
import { ItemStore } from '../../../src/storage/item_store';
import { ITEM_KINDS, ITEM_TABLES } from '../../../src/storage/item_tables';
import { RunStore } from '../../../src/storage/run_store';
import { removeScratch, scratchFile } from '../../../src/storage/scratch_file';
import { TraceStore } from '../../../src/storage/trace_store';
import { scratchDatabase } from '../../storage/scratch_database';
import * as made from './backup_script';

async function filled(): Promise<Database> {
  const database = await scratchDatabase();
  await (await DatasetStore.open(database)).create(made.DATASET, made.ROWS);
  await new AdapterStore(database).put(made.ADAPTER, made.WEIGHTS);
  const runs = new RunStore(database);
  await runs.create(made.RUN);
  for (const step of [1, 2])
    await runs.saveProgress({
      ...{ runId: 'run-1', step, metrics: { loss: 1 / step }, at: step },
      ...{ samples: made.SAMPLES, groups: made.GROUPS },
    });
  await runs.saveCheckpoint('run-1', made.CHECKPOINT, { adapterId: 'adapter-1' });
  const evaluations = new EvaluationStore(database);
  await evaluations.begin(made.EVALUATION, 1);
  await evaluations.append(
    'evaluation-1',
    0,
    [
      { index: 0, outcome: made.OUTCOME },
      { index: 1, outcome: null },
    ],
    2,
  );
  const coldStarts = new ColdStartStore(database);
  await coldStarts.begin(made.COLD_START);
  await coldStarts.putTexts('cold-1', 'rollouts', made.TEXTS);
  await new TraceStore(database).put(made.TRACE, made.TRACE_FILE);
  return database;
}

it('brings back what the stores write, into stores that go on with it', async () => {
  const [items, target] = [new ItemStore(await filled()), await scratchDatabase()];
  const { host } = made.hostOf(items, { scratchFile });
  const { file, bytes } = await host.writeBackup({}, null);
  expect(file?.size).toBe(bytes);
  const found = new ItemStore(target);
  const blob = file ?? new Blob();
  const { items: report } = await made.hostOf(found).host.restoreBackup({ path: 'b.zip', blob });
  expect(report.map(({ outcome, detail }) => [outcome, detail])).toEqual(
    ITEM_KINDS.map(() => ['restored', null]),
  );
  expect(await made.contents(found)).toEqual(await made.contents(items));
  const again = await made.hostOf(found).host.restoreBackup({ path: 'b.zip', blob });
  expect(again.items.map(({ outcome }) => outcome)).toEqual(ITEM_KINDS.map(() => 'kept'));
  // What is counted here is what a deletion frees.
  const run = await new RunStore(target).saveProgress({ runId: 'run-1', step: 3, metrics: {}, at: 3 });
  expect(run).toMatchObject({ step: 3, checkpointStep: 2 });
  const before = await items.record('run', 'run-1');
  expect((await found.record('run', 'run-1'))?.groupBytes).toBe(before?.groupBytes);
  expect(Number(run.bytes) / Number(before?.bytes)).toBeCloseTo(1, 2);
  await removeScratch(0);
});

it('leaves nothing of an item that fails, and removes what a crash left of one', async () => {
  const database = await scratchDatabase();
  const items = new ItemStore(database);
  const rows = async function* () {
    for (let index = 0; index < 300; index++)
      yield { store: 'rows' as const, value: { datasetId: 'd', index } };
    throw new Error('cut off');
  };
  const write = items.write(
    { kind: 'dataset', id: 'd', what: 'it', record: () => ({ id: 'd' }), parts: rows() },
    new AbortController().signal,
  );
  await expect(write).rejects.toThrow('cut off');
  const count = () => database.read(['rows', 'metrics'], 'x', (tx) => tx.objectStore('rows').count());
  expect(await count()).toBe(0);
  await (await DatasetStore.open(database)).create(made.DATASET, made.ROWS);
  const words = { imageName: '', question: '', answer: '', response: null, mimeType: '' };
  const row = { ...words, image: new ArrayBuffer(1) };
  await database.write(['rows', 'metrics', 'adapterWeights'], 'x', async (tx) => {
    for (const index of [0, 1])
      await tx.objectStore('rows').add({ ...row, datasetId: `gone-${index}`, index });
    await tx.objectStore('metrics').add({ runId: 'gone', step: 1, values: {}, bytes: 1 });
    await tx.objectStore('adapterWeights').add({ id: 'gone', weights: new Uint8Array(1) });
  });
  expect(await items.exclusively(async () => await count())).toBe(made.ROWS.length);
  expect(await items.discardOrphans()).toBe(0);
});

it('knows every store of the database', async () => {
  const database = await scratchDatabase();
  const known = ITEM_KINDS.flatMap((kind) => [
    ITEM_TABLES[kind].record,
    ...ITEM_TABLES[kind].parts.map(({ store }) => store),
  ]);
  const stores = await database.read(['runs'], 'x', async (tx) => [...tx.db.objectStoreNames]);
  expect([...known].sort()).toEqual([...stores].sort());
});
